//! Figures, rates and samples as RabbitMQ's JSON: `{"publish": 7, "publish_details": {"rate": 0.4, "samples": [...]}}`.

use super::board::Look;
use super::history::Sample;
use serde_json::{Map, Value, json};

/// Adds figures and what is known of their past. `from` is the place of the first of them in the look.
pub(crate) fn add<const N: usize>(
    json: &mut Map<String, Value>,
    names: &[&str],
    values: &[u64],
    look: &Look<N>,
    from: usize,
) {
    for (at, (name, value)) in names.iter().zip(values).enumerate() {
        json.insert((*name).to_owned(), (*value).into());
        json.insert(format!("{name}_details"), details(look, from + at));
    }
}

fn details<const N: usize>(look: &Look<N>, at: usize) -> Value {
    let rate = look.rates.get(at).copied().unwrap_or_default();
    let Some(samples) = &look.samples else { return json!({ "rate": rate }) };
    let of = |sample: &Sample<N>| sample.1.get(at).copied().unwrap_or_default();
    let listed: Vec<Value> =
        samples.iter().map(|sample| json!({ "sample": of(sample), "timestamp": sample.0 })).collect();
    let sum: f64 = samples.iter().map(|sample| of(sample) as f64).sum();
    let mean = sum / samples.len().max(1) as f64;
    let mean_rate = match (samples.first(), samples.last()) {
        (Some(new), Some(old)) if new.0 > old.0 => {
            (of(new) as f64 - of(old) as f64) * 1_000.0 / (new.0 - old.0) as f64
        }
        _ => 0.0,
    };
    json!({ "rate": rate, "samples": listed, "avg_rate": mean_rate, "avg": mean })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_written_as_rabbitmq_writes_them() {
        let mut json = Map::new();
        let look = Look { rates: [2.0, 0.0], samples: Some(vec![(10_000, [30, 0]), (5_000, [20, 0])]) };
        add(&mut json, &["publish"], &[31], &look, 0);
        let expected = json!({
            "publish": 31,
            "publish_details": {
                "rate": 2.0,
                "samples": [{ "sample": 30, "timestamp": 10_000 }, { "sample": 20, "timestamp": 5_000 }],
                "avg_rate": 2.0,
                "avg": 25.0,
            },
        });
        assert_eq!(Value::Object(json), expected);
    }
}

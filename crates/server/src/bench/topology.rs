//! Queues, exchange and bindings of a run: made before, deleted after.

use super::connection::{Connection, short};
use super::options::ExchangeType;
use super::plan::Plan;
use leveret_protocol::methods::{exchange, queue};
use leveret_protocol::{FieldTable, FieldValue};

/// Requests without a reply are sent in pieces of about so many bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// Declares everything. Only the last request of a kind is answered: ten thousand queues are one round trip.
///
/// # Errors
/// What the broker refused, in its words.
pub(crate) fn declare(plan: &Plan) -> Result<(), String> {
    let options = &plan.options;
    let durable = options.durable || options.persistent;
    let arguments = queue_arguments(&options.queue_arg)?;
    let mut connection = Connection::open(&options.url, "topology", 1, 0)?;
    for_each(&mut connection, options.queues, queue::DeclareOk::ID, |index, no_wait, out| {
        let name = plan.queue(index);
        queue::Declare {
            queue: short(&name)?,
            // A run that only drains must not make the queue it finds missing.
            passive: options.publishers == 0,
            durable,
            exclusive: false,
            auto_delete: false,
            no_wait,
            arguments: arguments.clone(),
        }
        .write(1, out);
        Ok(())
    })?;
    if !plan.exchange.is_empty() && options.publishers > 0 {
        let kind = match options.exchange {
            ExchangeType::Default | ExchangeType::Direct => "direct",
            ExchangeType::Fanout => "fanout",
            ExchangeType::Topic => "topic",
            ExchangeType::Headers => "headers",
        };
        let declare = exchange::Declare {
            exchange: short(&plan.exchange)?,
            kind: short(kind)?,
            passive: false,
            durable,
            auto_delete: false,
            internal: false,
            no_wait: false,
            arguments: FieldTable::default(),
        };
        connection.request(|out| declare.write(1, out))?;
        connection.wait_for(exchange::DeclareOk::ID)?;
        let bindings = plan.binding_keys();
        for_each(&mut connection, bindings.len(), queue::BindOk::ID, |index, no_wait, out| {
            let (queue, key) = &bindings[index];
            queue::Bind {
                queue: short(queue)?,
                exchange: short(&plan.exchange)?,
                routing_key: short(key)?,
                no_wait,
                arguments: plan.headers(key).unwrap_or_default(),
            }
            .write(1, out);
            Ok(())
        })?;
    }
    connection.close();
    Ok(())
}

/// Deletes everything, with the messages that are left.
///
/// # Errors
/// What the broker refused, in its words.
pub(crate) fn delete(plan: &Plan) -> Result<(), String> {
    let mut connection = Connection::open(&plan.options.url, "topology", 1, 0)?;
    for_each(&mut connection, plan.options.queues, queue::DeleteOk::ID, |index, no_wait, out| {
        let name = plan.queue(index);
        queue::Delete { queue: short(&name)?, if_unused: false, if_empty: false, no_wait }.write(1, out);
        Ok(())
    })?;
    if !plan.exchange.is_empty() {
        let delete = exchange::Delete { exchange: short(&plan.exchange)?, if_unused: false, no_wait: false };
        connection.request(|out| delete.write(1, out))?;
        connection.wait_for(exchange::DeleteOk::ID)?;
    }
    connection.close();
    Ok(())
}

/// Sends `count` requests made by `write(index, no_wait, out)` and waits for the reply to the last.
fn for_each(
    connection: &mut Connection,
    count: usize,
    reply: leveret_protocol::MethodId,
    write: impl Fn(usize, bool, &mut Vec<u8>) -> Result<(), String>,
) -> Result<(), String> {
    let mut frames = Vec::new();
    for index in 0..count {
        let is_last = index + 1 == count;
        write(index, !is_last, &mut frames)?;
        if is_last || frames.len() >= PIECE_BYTES {
            connection.send(&frames)?;
            frames.clear();
        }
    }
    if count > 0 { connection.wait_for(reply) } else { Ok(()) }
}

/// `KEY=VALUE`: whole numbers, true and false are what they look like, everything else is text.
fn queue_arguments(given: &[String]) -> Result<FieldTable, String> {
    given
        .iter()
        .map(|argument| {
            let (key, value) = argument
                .split_once('=')
                .ok_or_else(|| format!("--queue-arg {argument}: expected KEY=VALUE"))?;
            let value = match (value.parse::<i64>(), value.parse::<bool>()) {
                (Ok(number), _) => FieldValue::I64(number),
                (_, Ok(truth)) => FieldValue::Bool(truth),
                _ => FieldValue::LongString(value.as_bytes().to_vec()),
            };
            Ok((key, value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_get_the_type_they_look_like() {
        let given =
            ["x-max-length=10", "x-queue-type=quorum", "x-single-active-consumer=true"].map(String::from);
        let table = queue_arguments(&given).unwrap();
        assert_eq!(table.get("x-max-length"), Some(&FieldValue::I64(10)));
        assert_eq!(table.get("x-queue-type").and_then(|value| value.as_str()), Some("quorum"));
        assert_eq!(table.get("x-single-active-consumer"), Some(&FieldValue::Bool(true)));
        assert!(queue_arguments(&["x".into()]).unwrap_err().contains("expected KEY=VALUE"));
    }
}

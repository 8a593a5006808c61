//! Which rows go out one after the other, and which beside each other.

use std::collections::HashMap;
use std::collections::VecDeque;

use super::rows::Row;

/// Rows that go out one after the other.
pub(super) type Lane = VecDeque<Row>;

/// Rows in the order of the table as lanes: those of a key are one, a row without a key is one by itself.
pub(super) fn lanes(rows: Vec<Row>) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::new();
    let mut by_key: HashMap<String, usize> = HashMap::new();
    for row in rows {
        let at = match &row.key {
            Some(key) => *by_key.entry(key.clone()).or_insert(lanes.len()),
            None => lanes.len(),
        };
        match lanes.get_mut(at) {
            Some(lane) => lane.push_back(row),
            None => lanes.push(Lane::from([row])),
        }
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_key_are_one_lane_in_their_order() {
        let row = |seq, key: &str| Row {
            seq,
            id: String::new(),
            key: (!key.is_empty()).then(|| key.to_owned()),
            exchange: String::new(),
            routing_key: String::new(),
            mandatory: true,
            properties: Vec::new(),
            body: Vec::new(),
            attempts: 0,
        };
        let rows = [(1, "a"), (2, ""), (3, "b"), (4, "a"), (5, ""), (6, "a")];
        let lanes = lanes(rows.map(|(seq, key)| row(seq, key)).into());
        let seqs: Vec<Vec<_>> = lanes.iter().map(|lane| lane.iter().map(|row| row.seq).collect()).collect();
        assert_eq!(seqs, [vec![1, 4, 6], vec![2], vec![3], vec![5]]);
    }
}

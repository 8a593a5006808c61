//! Orders, and what the parts tell each other about them.

use serde::{Deserialize, Serialize};

use crate::chance::{draw, happens};

/// What a customer wants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: i64,
    pub(crate) item: String,
    pub(crate) quantity: i64,
    /// For all of it.
    pub(crate) cents: i64,
    pub(crate) card: String,
}

/// What happened to an order; the body of every message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) order: Order,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// The kinds of events: the messages' `type` and routing key.
pub(crate) mod kind {
    pub(crate) const CREATED: &str = "order.created";
    pub(crate) const RESERVED: &str = "stock.reserved";
    pub(crate) const PAID: &str = "payment.taken";
    pub(crate) const UNPAID: &str = "payment.refused";
    pub(crate) const REFUSED: &str = "order.refused";
    pub(crate) const SHIPPED: &str = "order.shipped";
}

/// What the shop sells: name, cents, and how many of every hundred orders the shelf is filled for. There are never enough lamps.
pub(crate) const ITEMS: [(&str, i64, i64); 4] =
    [("teapot", 2400, 200), ("cup", 650, 200), ("kettle", 3990, 200), ("lamp", 12_900, 45)];

/// A card that no provider can read.
pub(crate) const UNREADABLE: &str = "?";

/// How many pieces of an item are there in the beginning.
pub(crate) fn stock_before(per_hundred: i64, orders: i64) -> i64 {
    (orders * per_hundred + 99) / 100
}

impl Order {
    /// The order of that number.
    pub(crate) fn of(seed: u64, id: i64) -> Self {
        let number = id.unsigned_abs();
        let (item, cents, _) = ITEMS[draw(seed, "item", number) as usize % ITEMS.len()];
        let quantity = 1 + (draw(seed, "quantity", number) % 3) as i64;
        let card = if happens(seed, "unreadable card", number, 10) {
            UNREADABLE.to_owned()
        } else {
            format!("4000-{:04}", draw(seed, "card", number) % 10_000)
        };
        Self { id, item: item.to_owned(), quantity, cents: cents * quantity, card }
    }
}

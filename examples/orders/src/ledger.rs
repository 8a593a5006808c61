//! The account at the end: every order exactly once, every piece and every cent where it belongs. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::order::{ITEMS, Order, stock_before};

/// Findings that are told one by one.
const TOLD_MAX: usize = 8;

/// What the books say of one order.
#[derive(Debug, Default)]
struct Entry {
    cents: i64,
    created: bool,
    shipped: u32,
    refused: u32,
    parcels: u32,
    charged_cents: i64,
    payments: u32,
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Ledger {
    wanted: i64,
    entries: BTreeMap<i64, Entry>,
    reasons: BTreeMap<String, u32>,
    /// By item: in the beginning, now, sent.
    shelves: BTreeMap<String, (i64, i64, i64)>,
}

/// One line of the account: what it is about, the sum, and whether it comes out.
struct Line {
    about: &'static str,
    sum: String,
    balances: bool,
}

impl Ledger {
    pub(crate) fn new(wanted: i64) -> Self {
        let shelf = |(item, _, per_hundred): (&str, i64, i64)| {
            let before = stock_before(per_hundred, wanted);
            (item.to_owned(), (before, before, 0))
        };
        let shelves = ITEMS.into_iter().map(shelf).collect();
        Self { wanted, entries: BTreeMap::new(), reasons: BTreeMap::new(), shelves }
    }

    fn entry(&mut self, order: i64) -> &mut Entry {
        self.entries.entry(order).or_default()
    }

    pub(crate) fn created(&mut self, order: &Order) {
        let entry = self.entry(order.id);
        (entry.created, entry.cents) = (true, order.cents);
    }

    pub(crate) fn ended(&mut self, order: i64, state: &str, reason: &str) {
        if state == "shipped" {
            self.entry(order).shipped += 1;
        } else {
            self.entry(order).refused += 1;
            *self.reasons.entry(reason.to_owned()).or_default() += 1;
        }
    }

    pub(crate) fn shipped(&mut self, order: i64, item: &str, quantity: i64) {
        self.entry(order).parcels += 1;
        self.shelves.entry(item.to_owned()).or_default().2 += quantity;
    }

    pub(crate) fn left(&mut self, item: &str, pieces: i64) {
        self.shelves.entry(item.to_owned()).or_default().1 = pieces;
    }

    pub(crate) fn charged(&mut self, order: i64, cents: i64) {
        self.entry(order).charged_cents += cents;
    }

    pub(crate) fn paid(&mut self, order: i64) {
        self.entry(order).payments += 1;
    }

    /// What is wrong, in words; nothing if the books are straight.
    pub(crate) fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        let created = self.entries.values().filter(|entry| entry.created).count() as i64;
        if created != self.wanted {
            findings.push(format!("{created} orders were taken instead of {}", self.wanted));
        }
        for (id, entry) in &self.entries {
            findings.extend(entry.findings().into_iter().map(|finding| format!("order {id} {finding}")));
        }
        for (item, (before, left, sent)) in &self.shelves {
            if before - left != *sent {
                findings.push(format!("{item}: {} left the shelf, {sent} were sent", before - left));
            }
        }
        findings
    }

    fn lines(&self) -> [Line; 4] {
        let sum = |of: fn(&Entry) -> i64| self.entries.values().map(of).sum::<i64>();
        let created = sum(|entry| entry.created.into());
        let (shipped, refused) = (sum(|entry| entry.shipped.into()), sum(|entry| entry.refused.into()));
        let reasons: Vec<_> =
            self.reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
        let pieces = |of: fn(&(i64, i64, i64)) -> i64| self.shelves.values().map(of).sum::<i64>();
        let (before, left, sent) =
            (pieces(|shelf| shelf.0), pieces(|shelf| shelf.1), pieces(|shelf| shelf.2));
        let charged = sum(|entry| entry.charged_cents);
        let goods = sum(|entry| if entry.shipped > 0 { entry.cents } else { 0 });
        let once = self.entries.values().filter(|entry| entry.findings().is_empty()).count() as i64;
        [
            Line {
                about: "orders",
                sum: format!("{created} taken = {shipped} shipped + {refused} refused{reasons}"),
                balances: created == shipped + refused,
            },
            Line {
                about: "stock",
                sum: format!("{before} pieces before - {left} now = {sent} sent"),
                balances: self.shelves.values().all(|(before, left, sent)| before - left == *sent),
            },
            Line {
                about: "money",
                sum: format!("{} charged = {} for what was shipped", money(charged), money(goods)),
                balances: charged == goods,
            },
            Line {
                about: "once",
                sum: format!(
                    "{once} of {} orders ended exactly once, with one parcel and one payment or none",
                    self.wanted
                ),
                balances: once == self.wanted,
            },
        ]
    }

    /// The account, and what is wrong with it.
    pub(crate) fn text(&self) -> String {
        let mut text = String::from("ledger\n");
        for Line { about, sum, balances } in self.lines() {
            let mark = if balances { "balances" } else { "DOES NOT BALANCE" };
            let _ = writeln!(text, "  {about:<8}{sum:<78}  {mark}");
        }
        let findings = self.findings();
        for finding in findings.iter().take(TOLD_MAX) {
            let _ = writeln!(text, "  !  {finding}");
        }
        if findings.len() > TOLD_MAX {
            let _ = writeln!(text, "  !  and {} more like these", findings.len() - TOLD_MAX);
        }
        text
    }
}

impl Entry {
    fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        let mut wrong = |is_wrong: bool, text: String| is_wrong.then(|| findings.push(text));
        wrong(!self.created, "is in somebody's books and was never taken".into());
        match (self.shipped, self.refused) {
            (1, 0) | (0, 1) => {}
            (0, 0) => drop(wrong(true, "was taken and never heard of again".into())),
            (shipped, refused) => {
                wrong(
                    true,
                    format!("ended {} times: {shipped} shipped, {refused} refused", shipped + refused),
                );
            }
        }
        let is_shipped = self.shipped > 0;
        let (wanted, cents) = if is_shipped { (1, self.cents) } else { (0, 0) };
        wrong(self.parcels != wanted, format!("left in {} parcels instead of {wanted}", self.parcels));
        wrong(self.payments != wanted, format!("was paid for {} times instead of {wanted}", self.payments));
        let charged = self.charged_cents;
        wrong(charged != cents, format!("was charged {} instead of {}", money(charged), money(cents)));
        findings
    }
}

/// Cents as people write them.
fn money(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(id: i64) -> Order {
        Order { id, item: "cup".into(), quantity: 1, cents: 650, card: String::new() }
    }

    fn sold(ledger: &mut Ledger, id: i64) {
        ledger.created(&order(id));
        ledger.ended(id, "shipped", "");
        ledger.shipped(id, "cup", 1);
        ledger.charged(id, 650);
        ledger.paid(id);
    }

    /// Two orders: one sold, one refused.
    fn straight() -> Ledger {
        let mut ledger = Ledger::new(2);
        sold(&mut ledger, 1);
        ledger.created(&order(2));
        ledger.ended(2, "refused", "sold out");
        ledger.left("cup", 3);
        ledger
    }

    #[test]
    fn straight_books_balance() {
        let ledger = straight();
        assert_eq!(ledger.findings(), Vec::<String>::new());
        let text = ledger.text();
        assert!(text.contains("2 taken = 1 shipped + 1 refused (1 sold out)"), "{text}");
        assert!(text.contains("6.50 charged = 6.50") && !text.contains("DOES NOT"), "{text}");
    }

    #[test]
    fn whatever_is_bent_is_found() {
        type Bend = fn(&mut Ledger);
        let table: [(&str, Bend); 8] = [
            ("order 1 ended 2 times: 2 shipped, 0 refused", |ledger| ledger.ended(1, "shipped", "")),
            ("order 2 ended 2 times: 1 shipped, 1 refused", |ledger| ledger.ended(2, "shipped", "")),
            ("order 1 left in 2 parcels instead of 1", |ledger| ledger.shipped(1, "cup", 1)),
            ("order 2 was charged 6.50 instead of 0.00", |ledger| ledger.charged(2, 650)),
            ("order 1 was paid for 2 times instead of 1", |ledger| ledger.paid(1)),
            ("order 3 is in somebody's books and was never taken", |ledger| ledger.ended(3, "refused", "")),
            ("cup: 2 left the shelf, 1 were sent", |ledger| ledger.left("cup", 2)),
            ("order 3 was taken and never heard of again", |ledger| ledger.created(&order(3))),
        ];
        for (wanted, bend) in table {
            let mut ledger = straight();
            bend(&mut ledger);
            assert!(
                ledger.findings().iter().any(|finding| finding == wanted),
                "{wanted}: {:?}",
                ledger.findings()
            );
            assert!(ledger.text().contains("DOES NOT BALANCE"), "{wanted}\n{}", ledger.text());
        }
    }
}

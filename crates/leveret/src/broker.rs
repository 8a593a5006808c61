//! Which broker this is, and what it can do by itself.

use leveret_client::FieldTable;

/// A broker by what it says of itself when a connection is made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokerInfo {
    /// The product that it is, or that it passes for: Leveret says `RabbitMQ`, because clients choose their behaviour by it.
    pub product: String,
    /// The version of that product.
    pub version: String,
    /// What it runs on; Leveret says `Leveret` and its own version here.
    pub platform: String,
}

impl BrokerInfo {
    pub(crate) fn of(properties: &FieldTable) -> Self {
        let text =
            |name| properties.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        Self { product: text("product"), version: text("version"), platform: text("platform") }
    }

    /// Whether it is Leveret.
    #[must_use]
    pub fn is_leveret(&self) -> bool {
        self.platform.split(' ').next() == Some("Leveret")
    }

    fn is_at_least(&self, major: u32, minor: u32) -> bool {
        let mut parts = self.version.split(['.', '-', '+']).map(|part| part.parse().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (major, minor)
    }

    /// How it makes messages wait.
    pub(crate) fn waiting(&self) -> Waiting {
        match () {
            () if self.is_leveret() => Waiting::InQueue,
            () if self.is_at_least(4, 3) => Waiting::InQuorumQueues,
            () => Waiting::InRungs,
        }
    }
}

/// Where a message waits for its next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// In its own queue, by `x-retry-delays`: nothing is published again, and it returns to its place.
    InQueue,
    /// In its own queue if that is a quorum queue with [linear](crate::Retry::linear) pauses, else as with
    /// [`InRungs`](Self::InRungs): RabbitMQ from 4.3 on.
    InQuorumQueues,
    /// In a queue for each delay, whose messages expire into the first: everywhere else.
    InRungs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_leveret_has_ladders_of_its_own() {
        let of = |platform: &str| {
            BrokerInfo::of(&FieldTable::from([
                ("product", "RabbitMQ"),
                ("platform", platform),
                ("version", "4.2.9"),
            ]))
        };
        let rabbitmq = |version: &str| BrokerInfo::of(&FieldTable::from([("version", version)])).waiting();
        for (version, waiting) in [
            ("4.3.0", Waiting::InQuorumQueues),
            ("4.10.1-rc.1", Waiting::InQuorumQueues),
            ("5.0", Waiting::InQuorumQueues),
            ("3.13.7", Waiting::InRungs),
            ("", Waiting::InRungs),
        ] {
            assert_eq!(rabbitmq(version), waiting, "{version}");
        }
        assert_eq!(of("Leveret 0.1.0").waiting(), Waiting::InQueue);
        assert_eq!(of("Erlang/OTP 25.2.3").waiting(), Waiting::InRungs);
        assert_eq!(BrokerInfo::of(&FieldTable::new()).waiting(), Waiting::InRungs);
    }
}

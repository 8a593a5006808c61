//! What is said at the end.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::Watched;
use crate::ledger::Ledger;
use crate::tell::Tally;

/// How a run went.
pub(crate) struct Report {
    pub(crate) ledger: Ledger,
    pub(crate) tally: Tally,
    pub(crate) kills: BTreeMap<&'static str, u32>,
    /// Dead letters that nobody looks after.
    pub(crate) dead: u32,
    pub(crate) watched: Watched,
    pub(crate) took: Duration,
    /// Where the books are left.
    pub(crate) kept: Option<PathBuf>,
}

impl Report {
    /// Whether all is as it should be.
    pub(crate) fn balances(&self) -> bool {
        self.watched.finished && self.dead == 0 && self.ledger.findings().is_empty()
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.ledger.text())?;
        let kills: u32 = self.kills.values().sum();
        let Tally { retries, duplicates, alerts, .. } = &self.tally;
        write!(f, "on the way\n  {}", counted(kills.into(), "kill", "kills"))?;
        let each: Vec<_> = self
            .kills
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        if !each.is_empty() {
            write!(f, " -9 ({})", each.join(", "))?;
        }
        let alerts =
            counted(alerts.len() as u64, "dead letter with an alert", "dead letters with an alert each");
        let (retries, duplicates) =
            (counted(*retries, "retry", "retries"), counted(*duplicates, "duplicate", "duplicates"));
        writeln!(f, ", {retries}, {duplicates}, {alerts}")?;
        let (took, standstill) = (self.took.as_secs_f64(), self.watched.standstill.as_secs_f64());
        writeln!(f, "  {took:.1} s, at most {standstill:.1} s of them without any order getting further")?;
        if self.dead > 0 {
            let dead = counted(self.dead.into(), "message was", "messages were");
            writeln!(f, "  !  {dead} in a dead-letter queue that nobody looks after")?;
        }
        if !self.watched.finished {
            writeln!(f, "  !  given up: no order got any further, and not all had ended")?;
        }
        if let Some(folder) = &self.kept {
            writeln!(f, "The books DO NOT BALANCE. They and the logs are left in {}", folder.display())?;
        }
        Ok(())
    }
}

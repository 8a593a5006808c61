//! `leveret sweeps`: replays, moves and copies that run, and the last that are over.

use crate::commands::Runs;
use crate::commands::args::{OneInVhost, VhostOption};
use crate::commands::list::ListOptions;
use crate::commands::noun::Noun;
use crate::commands::own::ours;
use crate::failure::{Failure, Outcome};
use crate::http::path;
use crate::output::Kind;
use clap::{Args, Subcommand};

const SWEEP: Noun = Noun {
    path: "leveret/sweeps",
    one: "sweep",
    command: "sweeps",
    is_in_vhost: true,
    is_paged: false,
    columns: &[
        ("id", "id", Kind::Text),
        ("action", "action", Kind::Text),
        ("queue", "queue", Kind::Text),
        ("state", "state", Kind::Text),
        ("done", "moved", Kind::Count),
        ("failed", "failed", Kind::Count),
        ("skipped", "skipped", Kind::Count),
        ("remaining", "remaining", Kind::Count),
        ("problem", "problem", Kind::Text),
    ],
};

/// What can be done with sweeps.
#[derive(Subcommand)]
pub(crate) enum Sweeps {
    /// List replays, moves and copies that run, and the last that are over
    #[command(after_help = "Only of Leveret.\n\nExamples:\n  leveret sweeps list --vhost shop")]
    List(List),
    /// Show how far one came
    #[command(after_help = "Only of Leveret.\n\nExamples:\n  leveret sweeps show 3")]
    Show(OneInVhost),
    /// End one; what is done stays done
    #[command(after_help = "Only of Leveret.\n\nExamples:\n  leveret sweeps cancel 3")]
    Cancel(OneInVhost),
}

/// Options of `sweeps list`.
#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    vhost: VhostOption,
    #[command(flatten)]
    list: ListOptions,
}

impl Runs for Sweeps {
    fn run(self) -> Outcome {
        match self {
            Sweeps::List(List { vhost, list }) => {
                ours(&list.common.api()?, "sweeps", "")?;
                list.run(&SWEEP, &path(&["leveret", "sweeps", &vhost.name()?]))
            }
            Sweeps::Show(one) => {
                let (api, vhost) = one.place.find()?;
                ours(&api, "sweeps", "")?;
                SWEEP.show(&api, &vhost, &[&one.name], &one.place.common)
            }
            Sweeps::Cancel(one) => {
                let (api, vhost) = one.place.find()?;
                ours(&api, "sweeps", "")?;
                let place = path(&["leveret", "sweeps", &vhost, &one.name]);
                let found = SWEEP.ask(&api, (&vhost, &one.name), "GET", &place, None)?;
                if found["state"] != "running" {
                    let state = found["state"].as_str().unwrap_or("over");
                    return Err(Failure::new(format!(
                        "sweep '{}' does not run any more: it is {state}",
                        one.name
                    )));
                }
                SWEEP.ask(&api, (&vhost, &one.name), "DELETE", &place, None)?;
                SWEEP.done("cancelled", &vhost, &one.name, &one.place.common)
            }
        }
    }
}

//! `leveret migrate FROM TO`: definitions and messages of one broker to another, Leveret's or RabbitMQ's.
//!
//! `plan` says what of the definitions is to be made (pure), `apply` makes it. `carry` moves one queue in batches: published (`store`) in a
//! transaction at the target together with a `marker` of how far it is, then acknowledged in a transaction at the source. Whoever is
//! killed in between finds the marker and what came back, and `batch` (pure) says what is there already; what comes back later, `missing` (pure) knows. `sums` counts;
//! `unacked` says whether a queue without messages is done with, `apis` and `ends` know all nodes of a cluster. `verify` reads a queue of
//! the target back where `readable` (pure) says that this leaves it as it is.

mod apis;
mod apply;
mod batch;
mod carry;
mod ends;
mod gather;
mod lock;
mod marker;
mod missing;
mod origin;
mod plan;
mod readable;
mod report;
mod source;
mod store;
mod sums;
mod trouble;
mod unacked;
mod verify;

use super::Runs;
use crate::amqp::{interrupted, run};
use crate::config::Single;
use crate::failure::{Failure, Outcome};
use crate::output::{OutputOptions, Progress};
use carry::{Carrier, Moved};
use clap::Args;
use ends::End;
use plan::Plan;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What `leveret migrate --help` ends with.
pub(crate) const EXAMPLES: &str = "\
FROM and TO are amqp:// or amqps:// URLs; the HTTP API is looked for on the same host, 10,000 ports above, with the same user
(--from-http, --to-http say otherwise). Users, virtual hosts, permissions, policies, exchanges, queues and bindings come
first, then the messages of each queue, in order, until it is empty. Publishers and consumers of both may go on meanwhile:
what consumers of FROM hold and give back is moved too, and waited for (--wait-unacked).

Of a cluster name all nodes, amqp://admin:secret@mq1,mq2,mq3: when one is lost, it goes on at the next.

Body, properties, headers and routing key stay. A consumer sees `leveret.migrate.*` as the exchange, except of what was published to
the default exchange; --exchange-header tells messages the one they came through.

Killed at any point, the same command goes on where it was: nothing is lost, and nothing comes twice, unless the target
itself was restarted in the middle of a batch (then that batch may, and the report says so). While it works the target has
a queue and an exchange `leveret.migrate.*` for each queue; they go at the end.

Examples:
  leveret migrate amqp://admin:secret@old:5672 amqp://admin:secret@mq1:5672 --dry-run
        what would be made, what differs, what cannot be carried
  leveret migrate amqp://admin:secret@old:5672 amqp://admin:secret@mq1,mq2,mq3
        everything; ends with a count and checksums of each queue
  leveret migrate amqp://old amqp://mq1 --vhost shop --queues '^orders' --follow
        some queues of one virtual host, and whatever enters them, until Ctrl-C";

/// Options of `leveret migrate`.
#[derive(Args, Debug, Clone)]
pub(crate) struct Migrate {
    /// The broker that is left, amqp://USER:PASSWORD@HOST:PORT, or @HOST:PORT,HOST:PORT.. of a cluster
    from: String,
    /// The broker that is moved to
    to: String,
    /// HTTP API of FROM [default: http:// on its hosts, 10,000 ports above]
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    from_http: Option<String>,
    /// HTTP API of TO [default: http:// on its hosts, 10,000 ports above]
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    to_http: Option<String>,
    /// Certificate authority to trust, PEM, instead of the operating system's
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    ca_file: Option<PathBuf>,
    /// Longest time for each answer of either broker, and for which a broker, or a queue of a cluster, may be away
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = crate::config::Span::parse_one, help_heading = "Connection")]
    timeout: crate::config::Span,
    /// Only this virtual host, and no users
    #[arg(long, short = 'V', value_name = "NAME")]
    vhost: Option<String>,
    /// Only queues whose name matches this regular expression, with their bindings and the exchanges of those, and no users
    #[arg(long, value_name = "REGEX")]
    queues: Option<String>,
    /// Only definitions, no messages
    #[arg(long)]
    definitions_only: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Go on where something is at the target already and is not the same: what is there stays
    #[arg(long)]
    keep_conflicts: bool,
    /// Do not end when queues are empty: carry what enters them until Ctrl-C
    #[arg(long)]
    follow: bool,
    /// At the end read each queue of the target and compare; marks its messages as redelivered. One with consumers, or with other messages, is not read
    #[arg(long, conflicts_with = "follow")]
    verify: bool,
    /// How long messages are waited for that consumers of FROM hold, after the last message of a queue; 0s: not
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = crate::config::Span::parse_one, conflicts_with = "follow")]
    wait_unacked: crate::config::Span,
    /// Put the exchange that a message came through into its header x-original-exchange, unless it has one
    #[arg(long)]
    exchange_header: bool,
    /// Queues that are moved at the same time
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    parallel: u8,
    #[command(flatten)]
    output: OutputOptions,
}

impl Runs for Migrate {
    fn run(self) -> Outcome {
        let from =
            End::new("FROM", &self.from, self.from_http.as_deref(), self.ca_file.as_deref(), self.timeout.0)?;
        let to = End::new("TO", &self.to, self.to_http.as_deref(), self.ca_file.as_deref(), self.timeout.0)?;
        let queues = self.queues.as_deref().map(regex::Regex::new).transpose();
        let queues = queues.map_err(|error| Failure::usage(format!("--queues: {error}")))?;
        let scope = plan::Scope { vhost: self.vhost.clone(), queues };
        let (definitions, found) = (source::definitions(&from)?, source::queues(&from)?);
        if let Some(missing) = scope.missing(&definitions, &found) {
            return Err(Failure::new(format!("{missing}: nothing was done")));
        }
        let mut plan = Plan::new(&definitions, &source::definitions(&to)?, &scope);
        plan.look(&found, &scope, to.is_leveret());
        if self.dry_run {
            return report::plan(&plan, &self.output);
        }
        if !plan.conflicts.is_empty() && !self.keep_conflicts {
            report::plan(&plan, &self.output)?;
            let text = "some things are at TO already and are not the same: nothing was done. \
                        --keep-conflicts goes on and leaves them as they are";
            return Err(Failure::new(text));
        }
        apply::apply(&to.api, &mut plan, &self.output);
        if self.definitions_only {
            return report::end(&plan, &[], &self.output);
        }
        let moved = run_queues(&self, from, to, &plan)?;
        report::end(&plan, &moved, &self.output)
    }
}

/// Moves all queues of the plan, some at a time.
fn run_queues(options: &Migrate, from: End, to: End, plan: &Plan) -> Result<Vec<Moved>, Failure> {
    // What is read back is read a second time.
    let each = if options.verify { 2 } else { 1 };
    let total = (plan.queues.iter().map(|queue| queue.messages).sum::<u64>() * each).max(1);
    let progress = Arc::new(Progress::new("messages", total, !options.output.quiet));
    let stop = Arc::new(AtomicBool::new(false));
    let carrier = Arc::new(Carrier {
        from_is_leveret: from.is_leveret(),
        is_counted: !from.counts_losses_alone(),
        from,
        to,
        progress,
        stop: stop.clone(),
        follows: options.follow,
        away_max: options.timeout.0,
        wait_unacked: options.wait_unacked.0,
        tells_exchange: options.exchange_header,
    });
    let mut moved = Vec::new();
    run(async {
        tokio::spawn(async move {
            interrupted().await;
            stop.store(true, Ordering::Relaxed);
            // One request may come as two signals; a second one means at once.
            tokio::time::sleep(Duration::from_millis(500)).await;
            interrupted().await;
            std::process::exit(130);
        });
        let permits = Arc::new(tokio::sync::Semaphore::new(options.parallel.into()));
        let mut tasks = tokio::task::JoinSet::new();
        for (at, queue) in plan.queues.iter().cloned().enumerate() {
            let (carrier, permits, verifies) = (carrier.clone(), permits.clone(), options.verify);
            // One that follows never gives its place away.
            let follows = options.follow;
            tasks.spawn(async move {
                let permit = if follows { None } else { permits.acquire_owned().await.ok() };
                let mut moved = carrier.carry(&queue).await;
                if verifies && moved.problem.is_none() {
                    moved.verified = Some(carrier.verify(&queue).await);
                }
                drop(permit);
                (at, moved)
            });
        }
        let mut all = Vec::new();
        while let Some(done) = tasks.join_next().await {
            all.extend(done.ok());
        }
        all.sort_by_key(|(at, _)| *at);
        moved = all.into_iter().map(|(_, moved)| moved).collect();
        // What was interrupted, or failed, goes on another time.
        for queue in &plan.queues {
            let of = moved.iter().find(|moved| moved.queue == queue.name && moved.vhost == queue.vhost);
            if of.is_some_and(|moved| moved.problem.is_none()) {
                carrier.clean(queue).await;
            }
        }
        super::DONE
    })?;
    Ok(moved)
}

/// Time in which nothing comes after which a queue is taken for empty.
const IDLE: Duration = Duration::from_millis(400);

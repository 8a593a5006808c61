//! Making at the target what the plan says. What is refused is told, and the rest goes on.

use super::apis::Apis;
use super::plan::Plan;
use crate::http::HttpError;
use crate::output::{OutputOptions, Progress};

/// Makes everything; what the target refuses becomes a note, and queues that are not there are not moved.
pub(super) fn apply(api: &Apis, plan: &mut Plan, output: &OutputOptions) {
    let progress = Progress::new("definitions", plan.items.len() as u64, !output.quiet);
    let mut made = Vec::with_capacity(plan.items.len());
    for item in std::mem::take(&mut plan.items) {
        match api.send(item.method, &item.path, Some(&item.body)) {
            Ok(_) => made.push(item),
            Err(error) => {
                if let Some((vhost, name)) = &item.queue {
                    plan.queues.retain(|queue| (&queue.vhost, &queue.name) != (vhost, name));
                }
                let reason = match error {
                    HttpError::Refused { reason, .. } => reason,
                    other => other.to_string(),
                };
                plan.notes.push((item.words, format!("TO refuses it: {}", reason.trim().replace('\n', " "))));
                plan.refused += 1;
            }
        }
        progress.add(1);
    }
    plan.items = made;
}

//! Empties every queue, so that the ledger can be asked whether anything is missing.
//!
//! Nobody else is connected. What is drained is acked, and a message published and confirmed afterwards proves the acks stored: from
//! here on none of it may ever be seen again.

use crate::client::{Client, Event, PATIENCE, Trouble, short};
use crate::ledger::{CopyRef, Settling};
use crate::topology::{BARRIER, DEAD, LONGEST_WAIT, PRIORITY, QUEUES, QueueNo};
use crate::work::Round;
use leveret_protocol::methods::{basic, channel, confirm, queue};
use leveret_protocol::{Properties, RawProperties};

const PREFETCH: u16 = 500;
/// Deliveries acked together.
const ACK_EVERY: usize = 100;

/// Drains all queues and has the ledger judge. How many messages were in them.
pub(crate) fn drain(round: &Round) -> Result<u64, Trouble> {
    // Nobody is connected; what waits for its next attempt or for its moment is ready after this.
    std::thread::sleep(LONGEST_WAIT);
    let mut client = Client::connect(round.address)?;
    let mut count = 0;
    // (dead letters last: emptying other queues may add some)
    for number in (0..QUEUES.len() as QueueNo).filter(|number| *number != DEAD).chain([DEAD]) {
        count += drain_queue(round, &mut client, number)?;
    }
    barrier(round, &mut client)?;
    round.ledger.lock().verdict();
    Ok(count)
}

fn message_count(client: &mut Client, name: &str) -> Result<u32, Trouble> {
    let declare = queue::Declare { queue: short(name), passive: true, ..Default::default() };
    client.call(1, declare, "queue.declare-ok")
}

fn drain_queue(round: &Round, client: &mut Client, number: QueueNo) -> Result<u64, Trouble> {
    let name = QUEUES[usize::from(number)].name;
    let mut left = message_count(client, name)?;
    if left == 0 {
        return Ok(0);
    }
    let count = u64::from(left);
    let holder = round.ledger.lock().holder();
    client.call(1, basic::Qos { prefetch_count: PREFETCH, ..Default::default() }, "basic.qos-ok")?;
    client.call(1, basic::Consume { queue: short(name), ..Default::default() }, "basic.consume-ok")?;
    let mut held: Vec<CopyRef> = Vec::new();
    let mut settled: Vec<CopyRef> = Vec::new();
    let mut priority = u8::MAX;
    while left > 0 {
        let arrived = match client.event(PATIENCE)? {
            Some(Event::Message(arrived)) => arrived,
            Some(other) => return Err(Trouble::Wrong(format!("draining {name}: {other:?}"))),
            None => {
                return Err(Trouble::Wrong(format!(
                    "{name} said it held {count} messages; {left} do not come"
                )));
            }
        };
        left -= 1;
        let mut ledger = round.ledger.lock();
        if let (PRIORITY, Ok(message)) = (number, &arrived.message) {
            // (a queue with `x-max-priority` 5 treats all above as 5)
            let this = message.priority.min(5);
            if this > priority {
                let text =
                    format!("{name}: {} with priority {this} came after one with {priority}", message.id);
                ledger.violation("out of order", text);
            }
            priority = this;
        }
        held.extend(ledger.arrived(holder, number, &arrived));
        if held.len() >= ACK_EVERY || left == 0 {
            for copy in &held {
                ledger.settling(*copy, Settling::Ack);
            }
            drop(ledger);
            settled.append(&mut held);
            client.put(1, basic::Ack { delivery_tag: arrived.tag, multiple: true });
            client.flush()?;
        }
    }
    client.call(1, basic::Qos { prefetch_count: PREFETCH, ..Default::default() }, "basic.qos-ok")?;
    round.ledger.lock().processed(&settled);
    if let Some(event) = client.event_at_hand()? {
        return Err(Trouble::Wrong(format!("{name} said it held {count} messages; then came {event:?}")));
    }
    // Its consumer goes with the channel.
    client.call(1, channel::Close { reply_code: 200, ..Default::default() }, "channel.close-ok")?;
    client.call(1, channel::Open, "channel.open-ok")?;
    match message_count(client, name)? {
        0 => Ok(count),
        more => Err(Trouble::Wrong(format!("{name} was drained of {count} messages, and holds {more}"))),
    }
}

/// One message confirmed: all that was processed before it is stored.
fn barrier(round: &Round, client: &mut Client) -> Result<(), Trouble> {
    client.call(1, confirm::Select::default(), "confirm.select-ok")?;
    let mut raw = Vec::new();
    Properties { delivery_mode: Some(2), ..Properties::default() }.encode(&mut raw);
    let properties = RawProperties::parse(&raw).unwrap_or(RawProperties::EMPTY);
    let stamp = round.ledger.lock().barrier();
    client.put_publish(1, "", BARRIER, false, properties, b"all that was before this is stored");
    client.flush()?;
    match client.event(PATIENCE)? {
        Some(Event::Confirm { stored: true, .. }) => {
            round.ledger.lock().barrier_confirmed(stamp);
            Ok(())
        }
        other => Err(Trouble::Wrong(format!("the barrier was answered with {other:?}"))),
    }
}

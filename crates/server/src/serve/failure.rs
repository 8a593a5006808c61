//! Words for a start that failed: what, which, and what to do about it.

use crate::config::ListenAddress;
use std::io;

/// Why a listener could not be opened. `flag` is the option that asked for it: `amqp`, `amqps` and so on.
pub(crate) fn listen(flag: &str, address: &ListenAddress, error: &io::Error) -> String {
    let port = address.port();
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "the port is in use, perhaps by another broker.\n\
             See who has it: ss -ltnp 'sport = :{port}'. Take another: --{flag} {}, or any free one: --{flag} {}",
            address.with_port(port.checked_add(10).unwrap_or(0)),
            address.with_port(0)
        ),
        io::ErrorKind::PermissionDenied if port < 1024 => format!(
            "ports below 1024 need special rights.\nTake a higher one: --{flag} {}",
            address.with_port(match flag {
                "amqps" => 5671,
                "management" => 15672,
                "management-tls" => 15671,
                _ => 5672,
            })
        ),
        io::ErrorKind::AddrNotAvailable => format!(
            "this machine does not have that address.\n\
             127.0.0.1:{port} is this machine only, 0.0.0.0:{port} every network; `ip address` lists others"
        ),
        _ => error.to_string(),
    };
    format!("cannot listen on {address}: {advice}")
}

/// Why a name in a listener's address did not lead anywhere.
pub(crate) fn resolve(flag: &str, address: &ListenAddress, error: &io::Error) -> String {
    format!("--{flag} {address}: the name leads to no address of this machine ({error})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn failure(kind: io::ErrorKind, port: u16) -> String {
        let address = Settings::defaults().unwrap().amqp[0].with_port(port);
        listen("amqp", &address, &kind.into())
    }

    #[test]
    fn a_port_in_use_names_the_port_and_ways_out() {
        let text = failure(io::ErrorKind::AddrInUse, 5672);
        assert!(text.starts_with("cannot listen on 127.0.0.1:5672: the port is in use"), "{text}");
        assert!(text.contains("'sport = :5672'") && text.contains("--amqp 127.0.0.1:0"), "{text}");
        assert!(failure(io::ErrorKind::AddrInUse, 65_535).contains("--amqp 127.0.0.1:0"));
    }

    #[test]
    fn other_failures() {
        assert!(failure(io::ErrorKind::PermissionDenied, 80).contains("--amqp 127.0.0.1:5672"));
        assert!(failure(io::ErrorKind::AddrNotAvailable, 1).contains("0.0.0.0:1"));
        assert!(failure(io::ErrorKind::OutOfMemory, 1).contains("out of memory"));
    }
}

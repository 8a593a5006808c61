//! One connection is one open file, and shells start programs with room for 1024.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of open files to the hard one, which needs no rights. Logs when it stays low.
pub(crate) fn raise_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        tracing::debug!("the limit of open files stays at {current:?}: {error}");
    }
    if let Some(files) = getrlimit(Resource::Nofile).current
        && files < 4096
    {
        tracing::warn!("only {files} files may be open at once, one per connection; `ulimit -Hn` raises it");
    }
}

//! Stopping and starting again, with what was kept.

use crate::broker::TestBroker;
use crate::builder::{StartError, new_folder};
use crate::relay::Ending;
use std::io;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// Times that a folder is copied anew because files came or went meanwhile.
const COPIES_MAX: usize = 20;

impl TestBroker {
    /// Stops in order and starts again: consumers are cancelled, every connection is closed with 320 `CONNECTION_FORCED`, what is
    /// pending is stored. Then another broker takes over the data, on the same clock. Clients are refused meanwhile.
    ///
    /// A broker in memory loses everything but what the [`Builder`](crate::Builder) gave it. A connection that does not answer the
    /// close is cut.
    ///
    /// # Errors
    /// It does not start again. Nothing can be connected to then.
    pub async fn restart(&self) -> Result<(), StartError> {
        let hub = &self.0.hub;
        let Some(old) = hub.put_broker(None) else { return self.start_again() };
        let stopping = tokio::spawn({
            let old = old.clone();
            async move { old.shutdown(Duration::ZERO).await }
        });
        self.settle().await;
        hub.end_all(Ending::Close);
        if let Err(error) = stopping.await
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
        drop(old);
        self.settle().await;
        self.start_again()
    }

    /// Ends at once, as `kill -9` does, and starts another broker on the data folder as it lies: every connection is reset, nothing is
    /// stored that was not yet. (What was handed to the operating system is kept: this is no loss of power.)
    ///
    /// # Errors
    /// The folder cannot be copied, or the broker does not start again. Nothing can be connected to then.
    pub async fn kill(&self) -> Result<(), StartError> {
        let hub = &self.0.hub;
        let old = hub.put_broker(None);
        // First the connections, so that nothing is confirmed after the copy was begun.
        hub.end_all(Ending::Reset);
        if let Some(copy) = new_folder(self.0.data)? {
            let from = self.0.folders.lock().last().map(|folder| folder.path().to_owned());
            if let Some(from) = from {
                copy_folder(&from, copy.path())?;
            }
            self.0.folders.lock().push(copy);
        }
        // Its tasks let go of it when they notice that their connections have ended. What it writes now, nobody reads.
        if let Some(old) = old {
            old.close_store();
        }
        self.settle().await;
        self.start_again()
    }

    fn start_again(&self) -> Result<(), StartError> {
        let folder = self.0.folders.lock().last().map(|folder: &TempDir| folder.path().to_owned());
        let broker = self.0.setup.start(&self.0.hub.clock, folder.as_deref())?;
        self.0.hub.put_broker(Some(broker));
        Ok(())
    }
}

/// Copies the files of a folder that a broker is writing to.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    let mut result = Ok(());
    for _ in 0..COPIES_MAX {
        for file in std::fs::read_dir(to)? {
            std::fs::remove_file(file?.path())?;
        }
        result = copy_files(from, to);
        match &result {
            // It went between the look and the copy: what replaced it has to be there as well.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            _ => return result,
        }
    }
    result
}

fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    for file in std::fs::read_dir(from)? {
        let file = file?;
        std::fs::copy(file.path(), to.join(file.file_name()))?;
    }
    Ok(())
}

//! What a broker starts with, and what of it is kept.

use super::{BrokerInner, StartError};
use crate::auth::{HashingAlgorithm, PasswordHash, Permissions, UserLimits, UserRecord};
use crate::config::DataLocation;
use crate::data::{self, DataFolder};
use crate::definitions::DefinitionsError;
use crate::vhost::VirtualHost;
use leveret_store::{Batch, Recovered, State};
use std::sync::Arc;

impl BrokerInner {
    /// Takes over what the store, the data folder and the settings say there is.
    pub(super) fn restore(&self, recovered: Option<&Recovered>) -> Result<(), StartError> {
        let folder = self.data.as_ref().map_or_else(String::new, |data| data.path().display().to_string());
        let problem =
            |e: DefinitionsError| StartError::Data { folder: folder.clone(), problem: e.to_string() };
        if let Some(recovered) = recovered {
            self.take_over(recovered).map_err(problem)?;
        }
        if let Some(data) = &self.data
            && let Some(definitions) = data.load()?
        {
            self.import(&definitions).map_err(problem)?;
            self.store_now()
                .map_err(|problem| StartError::Data { folder: data.path().display().to_string(), problem })?;
            if let Err(error) = data.set_imported() {
                tracing::warn!(%error, "definitions.json was taken over and could not be renamed");
            }
        }
        if let Some(path) = &self.config.load_definitions {
            let setting =
                |e: String| StartError::Setting(format!("definitions file {}: {e}", path.display()));
            let definitions = data::read_definitions(path).map_err(|e| setting(e.to_string()))?;
            self.import(&definitions).map_err(|e| setting(e.to_string()))?;
        }
        Ok(())
    }

    pub(crate) fn vhosts(&self) -> Vec<Arc<VirtualHost>> {
        let mut all: Vec<_> = self.vhosts.read().values().cloned().collect();
        all.sort_by(|a, b| a.name().cmp(b.name()));
        all
    }

    /// Stores users and permissions if any of them changed since the last time.
    pub(crate) fn save_definitions(&self) {
        if self.store().is_none() {
            return;
        }
        let mut saved = self.saved.lock();
        let state = self.auth.epoch() + 1;
        if *saved != state {
            let mut batch = Batch::new();
            self.put_general(&mut batch);
            self.changes().append(self.store(), &mut batch);
            *saved = state;
        }
    }

    /// The same, in one append with what is in the batch.
    pub(super) fn save_definitions_with(&self, batch: &mut Batch) {
        let mut saved = self.saved.lock();
        let state = self.auth.epoch() + 1;
        self.put_general(batch);
        self.changes().append(self.store(), batch);
        *saved = state;
    }

    /// Waits until what was changed is stored; at a start, where nobody else waits.
    fn store_now(&self) -> Result<(), String> {
        let Some(store) = self.store() else { return Ok(()) };
        while store.synced() < self.changes().ticket() {
            match store.state() {
                State::Running => std::thread::sleep(std::time::Duration::from_millis(1)),
                State::Full { text } => return Err(format!("{text}; free some space and start again")),
                State::Failed { text } => return Err(text),
            }
        }
        Ok(())
    }

    pub(crate) fn disk_free_bytes(&self) -> Option<u64> {
        match &self.config.data {
            DataLocation::Disk(disk) => disk.free_bytes(),
            _ => self.data.as_ref().and_then(DataFolder::free_bytes),
        }
    }

    /// Raises or clears the disk alarm.
    pub(crate) fn watch_disk(&self) {
        let Some(store) = self.store() else { return };
        let free = self.disk_free_bytes();
        let waits = matches!(store.state(), State::Full { .. });
        self.memory
            .set_disk_low(waits || free.is_some_and(|free| free < self.config.limits.disk_free_min_bytes));
    }

    /// What a broker has that is new, or that nobody could log in to.
    pub(super) fn make_defaults(&self, is_new: bool) -> Result<(), StartError> {
        let config = &self.config;
        // One that was deleted stays so, unless nobody could log in anywhere.
        if is_new || self.vhosts.read().is_empty() || self.auth.users().is_empty() {
            let _ = self.declare_vhost(&config.default_vhost);
        }
        if self.auth.users().is_empty() {
            let password = PasswordHash::new(HashingAlgorithm::default(), config.default_pass.as_bytes());
            let record = UserRecord {
                name: (&*config.default_user).into(),
                password,
                tags: vec!["administrator".into()],
                limits: UserLimits::default(),
            };
            let setting = |problem: crate::auth::AuthError| StartError::Setting(problem.to_string());
            self.auth.add_user(record).map_err(setting)?;
            self.auth
                .set_permissions(&config.default_user, &config.default_vhost, Permissions::all())
                .map_err(setting)?;
        }
        Ok(())
    }
}

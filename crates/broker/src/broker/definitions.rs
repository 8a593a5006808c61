//! What a broker starts with, and what of it is kept.

use super::{BrokerInner, StartError};
use crate::auth::{HashingAlgorithm, PasswordHash, Permissions, UserLimits, UserRecord};
use crate::data::{self, DataFolder};
use crate::definitions::{Definitions, DefinitionsError};
use crate::vhost::VirtualHost;
use parking_lot::Mutex;
use std::sync::Arc;

impl BrokerInner {
    /// Reads what the data folder and the settings say there is.
    pub(super) fn restore(&self) -> Result<(), StartError> {
        if let Some(data) = &self.data
            && let Some(definitions) = data.load()?
        {
            let problem = |e: DefinitionsError| StartError::Data {
                folder: data.path().display().to_string(),
                problem: e.to_string(),
            };
            self.import(&definitions).map_err(problem)?;
        }
        if let Some(path) = &self.config.load_definitions {
            let setting =
                |e: String| StartError::Setting(format!("definitions file {}: {e}", path.display()));
            let definitions = data::read_definitions(path).map_err(|e| setting(e.to_string()))?;
            self.import(&definitions).map_err(|e| setting(e.to_string()))?;
        }
        Ok(())
    }

    pub(crate) fn kept_definitions(&self) -> &Mutex<Definitions> {
        &self.kept_definitions
    }

    pub(crate) fn vhosts(&self) -> Vec<Arc<VirtualHost>> {
        let mut all: Vec<_> = self.vhosts.read().values().cloned().collect();
        all.sort_by(|a, b| a.name().cmp(b.name()));
        all
    }

    /// Writes the definitions if anything changed since the last time.
    pub(crate) fn save_definitions(&self) {
        let Some(data) = &self.data else { return };
        let mut saved = self.saved.lock();
        let vhosts = self.vhosts();
        let state = vhosts.iter().fold(self.auth.epoch() + vhosts.len() as u64, |sum, v| sum + v.epoch()) + 1;
        if *saved == state {
            return;
        }
        match data.save(&self.export()) {
            Ok(()) => *saved = state,
            Err(error) => {
                tracing::error!(folder = %data.path().display(), %error, "definitions could not be saved; trying again");
            }
        }
    }

    /// Raises or clears the disk alarm.
    pub(crate) fn watch_disk(&self) {
        if let Some(free) = self.data.as_ref().and_then(DataFolder::free_bytes) {
            self.memory.set_disk_low(free < self.config.limits.disk_free_min_bytes);
        }
    }

    pub(super) fn make_defaults(&self) -> Result<(), StartError> {
        let config = &self.config;
        let _ = self.declare_vhost(&config.default_vhost);
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

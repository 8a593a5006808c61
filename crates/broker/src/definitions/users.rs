//! Users in a definitions document.

use std::fmt;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{DefinitionsError, OtherKeys};
use crate::auth::{HashingAlgorithm, PasswordHash, UserLimits, UserRecord};

/// A user. `Debug` shows neither password nor hash.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct UserDefinition {
    /// The user's name.
    pub name: String,
    /// Salt and digest in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    /// The password itself, instead of a hash, in files written by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// RabbitMQ's name of the algorithm; which one is meant when it is absent depends on the file's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hashing_algorithm: Option<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: UserTags,
    /// `max-connections` and `max-channels`; negative means no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Value>,
    /// Whatever else is said.
    #[serde(flatten)]
    pub other: OtherKeys,
}

impl UserDefinition {
    /// What the broker stores about the user. `version` is that of the broker that wrote the file, `path` where
    /// the user stands in it, for errors.
    pub(super) fn to_record(
        &self,
        version: Option<&str>,
        path: &str,
    ) -> Result<UserRecord, DefinitionsError> {
        let bad = |key: &str, reason: &str| Err(DefinitionsError::new(format!("{path}.{key}"), reason));
        let algorithm = match self.hashing_algorithm.as_deref() {
            None => default_algorithm(version),
            Some(name) => match HashingAlgorithm::from_name(name) {
                Some(algorithm) => algorithm,
                None => {
                    return bad("hashing_algorithm", &format!("'{name}' is not a known hashing algorithm"));
                }
            },
        };
        let password = match (&self.password, &self.password_hash) {
            (Some(_), Some(_)) => {
                return bad("password", "there is a password_hash already; give one of the two");
            }
            (Some(password), None) => PasswordHash::new(HashingAlgorithm::default(), password.as_bytes()),
            (None, Some(hash)) => match PasswordHash::from_base64(algorithm, hash) {
                Ok(hash) => hash,
                Err(error) => return bad("password_hash", &error.to_string()),
            },
            (None, None) => PasswordHash::none(),
        };
        let tags = self.tags.iter().map(Into::into).collect();
        let limits = UserLimits {
            connections_max: self.limit("max-connections"),
            channels_max: self.limit("max-channels"),
        };
        Ok(UserRecord { name: self.name.as_str().into(), password, tags, limits })
    }

    fn limit(&self, name: &str) -> Option<u64> {
        self.limits.as_ref()?.get(name)?.as_u64()
    }

    /// How a user is written into a document.
    pub fn from_record(record: &UserRecord) -> Self {
        let UserLimits { connections_max, channels_max } = record.limits;
        let limits = [("max-channels", channels_max), ("max-connections", connections_max)];
        let limits =
            limits.into_iter().filter_map(|(name, limit)| Some((name.to_owned(), limit?.into()))).collect();
        Self {
            name: record.name.to_string(),
            password_hash: Some(record.password.to_base64()),
            password: None,
            hashing_algorithm: Some(record.password.algorithm().as_str().into()),
            tags: UserTags::List(record.tags.iter().map(ToString::to_string).collect()),
            limits: Some(Value::Object(limits)),
            other: OtherKeys::new(),
        }
    }
}

impl fmt::Debug for UserDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserDefinition")
            .field("name", &self.name)
            .field("tags", &self.tags)
            .finish_non_exhaustive()
    }
}

/// Files of RabbitMQ before 3.6.1 do not say how passwords are hashed.
fn default_algorithm(version: Option<&str>) -> HashingAlgorithm {
    match version {
        Some(version)
            if ["3.0.", "3.1.", "3.2.", "3.3.", "3.4.", "3.5."]
                .iter()
                .any(|old| version.starts_with(old)) =>
        {
            HashingAlgorithm::Md5
        }
        _ => HashingAlgorithm::default(),
    }
}

/// Tags, in the form in which the file has them: a list, or before RabbitMQ 3.9 a text with commas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum UserTags {
    /// `["administrator", "monitoring"]`
    List(Vec<String>),
    /// `"administrator,monitoring"`
    Text(String),
}

impl UserTags {
    /// The tags, without blanks around them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let (list, text) = match self {
            Self::List(list) => (list.as_slice(), ""),
            Self::Text(text) => (&[][..], text.as_str()),
        };
        list.iter().map(String::as_str).chain(text.split(',')).map(str::trim).filter(|tag| !tag.is_empty())
    }
}

impl Default for UserTags {
    /// No tags.
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl<'de> Deserialize<'de> for UserTags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tags;
        impl<'de> Visitor<'de> for Tags {
            type Value = UserTags;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of tags or tags separated by commas")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<UserTags, E> {
                Ok(UserTags::Text(text.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut tags: A) -> Result<UserTags, A::Error> {
                let mut list = Vec::new();
                while let Some(tag) = tags.next_element()? {
                    list.push(tag);
                }
                Ok(UserTags::List(list))
            }
        }
        deserializer.deserialize_any(Tags)
    }
}

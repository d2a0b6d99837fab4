//! What a transaction does to a key.

use bytes::Bytes;
use ti_proto::kvrpcpb;

use crate::error::{ClientError, ClientErrorKind, Result};

/// The change of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MutationOp {
    /// Writes the value, whatever is there.
    Put,
    /// Writes the value; [`ClientErrorKind::KeyExists`] if the key has one.
    Insert,
    /// Removes the value.
    Delete,
    /// Changes nothing, and conflicts with whoever changes the key.
    Lock,
    /// [`ClientErrorKind::KeyExists`] if the key has a value. Leaves no lock.
    CheckNotExists,
}

/// What must hold for the newest committed version of the key, else [`ClientErrorKind::AssertionFailed`]. Costs nothing, and finds
/// rows and index entries that do not belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Assertion {
    /// Nothing.
    #[default]
    None,
    /// The key has a value.
    Exist,
    /// The key has no value.
    NotExist,
}

/// One key of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutation {
    /// The change.
    pub op: MutationOp,
    /// Raw key.
    pub key: Bytes,
    /// New value; empty unless `op` is Put or Insert, where it must not be empty.
    pub value: Bytes,
    /// Condition.
    pub assertion: Assertion,
}

impl Mutation {
    /// A mutation without an assertion.
    pub fn new(op: MutationOp, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        Self {
            op,
            key: key.into(),
            value: value.into(),
            assertion: Assertion::None,
        }
    }

    /// The same mutation with a condition.
    pub fn asserting(mut self, assertion: Assertion) -> Self {
        self.assertion = assertion;
        self
    }

    /// Bytes of key and value.
    pub fn size(&self) -> usize {
        self.key.len().saturating_add(self.value.len())
    }

    pub(super) fn to_proto(&self) -> kvrpcpb::Mutation {
        let op = match self.op {
            MutationOp::Put => kvrpcpb::Op::Put,
            MutationOp::Insert => kvrpcpb::Op::Insert,
            MutationOp::Delete => kvrpcpb::Op::Del,
            MutationOp::Lock => kvrpcpb::Op::Lock,
            MutationOp::CheckNotExists => kvrpcpb::Op::CheckNotExists,
        };
        let assertion = match self.assertion {
            Assertion::None => kvrpcpb::Assertion::None,
            Assertion::Exist => kvrpcpb::Assertion::Exist,
            Assertion::NotExist => kvrpcpb::Assertion::NotExist,
        };
        kvrpcpb::Mutation {
            op: op as i32,
            key: self.key.clone(),
            value: self.value.clone(),
            assertion: assertion as i32,
        }
    }
}

/// Mutations must be sorted by key without duplicates (a store keeps the first of two values for one key, silently), have keys, and
/// values exactly where they belong (an empty value would read as a deleted row).
pub(super) fn check(mutations: &[Mutation]) -> Result<()> {
    let mut before: Option<&Mutation> = None;
    for mutation in mutations {
        let fault = if mutation.key.is_empty() {
            "has an empty key"
        } else if before.is_some_and(|before| before.key == mutation.key) {
            "has the same key as the one before it"
        } else if before.is_some_and(|before| before.key > mutation.key) {
            "is not in key order"
        } else if matches!(mutation.op, MutationOp::Put | MutationOp::Insert) == mutation.value.is_empty() {
            "has a value without writing one, or writes an empty one"
        } else {
            before = Some(mutation);
            continue;
        };
        return Err(ClientError::new(
            ClientErrorKind::InvalidArgument,
            format!("a mutation {fault}: nothing of this call was sent"),
        )
        .with_key(mutation.key.clone()));
    }
    Ok(())
}

#[cfg(test)]
#[path = "mutation_tests.rs"]
mod tests;

//! Requests whose results the kernel gives to later ones for the same name (kernel/module/dups.c, 6.4 to 7.3 with
//! CONFIG_MODULE_DEBUG_AUTOLOAD_DUPS): the first that waits for a helper stands for all others until a minute after its
//! return.
//!
//! In: requests that begin to wait for their helper, and requests that are closed. Out: the request that a later one
//! was answered with, what became of it, and who has to be judged once that is known.

use crate::entities::{Request, RequestId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names that are remembered. Beyond that, the oldest request's is forgotten, and a request that the kernel answers
/// with its result has no verdict.
const NAMES: usize = 4_096;

/// The last request for each name that had a helper of its own.
#[derive(Clone, Debug, Default)]
pub struct Firsts {
    /// The kernel does this.
    is_on: bool,
    by_alias: BTreeMap<Arc<str>, RequestId>,
    known: BTreeMap<RequestId, First>,
}

#[derive(Clone, Debug)]
struct First {
    alias: Arc<str>,
    /// As it was closed; `None` while it is open.
    closed: Option<Arc<Request>>,
    /// Those that were answered with its result while it was open.
    followers: Vec<RequestId>,
}

impl Firsts {
    /// Whether the kernel answers requests with the results of earlier ones.
    pub const fn set(&mut self, is_on: bool) {
        self.is_on = is_on;
    }

    /// Whether it does.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.is_on
    }

    /// The request waits for a helper of its own: it stands for later ones.
    pub fn waits(&mut self, request: &Request) {
        let Some(alias) = request.requested.alias.text().filter(|_| self.is_on) else { return };
        if let Some(before) = self.by_alias.insert(alias.clone(), request.id) {
            self.known.remove(&before);
        }
        self.known.insert(request.id, First { alias: alias.clone(), closed: None, followers: Vec::new() });
        if self.known.len() > NAMES
            && let Some((_, oldest)) = self.known.pop_first()
        {
            self.by_alias.remove(&oldest.alias);
        }
    }

    /// The request whose result a request for `alias` gets now.
    #[must_use]
    pub fn of(&self, alias: &str) -> Option<RequestId> {
        self.by_alias.get(alias).copied()
    }

    /// Whether it is open. If so, `follower` is judged after it.
    pub fn awaits(&mut self, first: RequestId, follower: RequestId) -> bool {
        let Some(first) = self.known.get_mut(&first).filter(|first| first.closed.is_none()) else { return false };
        if !first.followers.contains(&follower) {
            first.followers.push(follower);
        }
        true
    }

    /// What became of it; `None` if that is not known.
    #[must_use]
    pub fn outcome(&self, first: RequestId) -> Option<&Request> {
        self.known.get(&first)?.closed.as_deref()
    }

    /// A request is closed: those that wait for that.
    pub fn closed(&mut self, request: &Arc<Request>) -> Vec<RequestId> {
        let Some(first) = self.known.get_mut(&request.id) else { return Vec::new() };
        first.closed = Some(request.clone());
        std::mem::take(&mut first.followers)
    }
}

//! Requests whose results the kernel gives to later ones for the same name (kernel/module/dups.c, 6.4 to 7.3 with
//! CONFIG_MODULE_DEBUG_AUTOLOAD_DUPS): the first that waits for a helper stands for all others until a minute after its
//! return.
//!
//! In: requests that begin to wait for their helper, and requests that are closed. Out: the request that a later one
//! was answered with, what became of it, and who has to be judged once that is known.

use crate::entities::{Request, RequestId};
use crate::event::Stamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use trace_common::time::Nanos;

/// Requests that are remembered. Beyond that, the oldest is forgotten, and a request that the kernel answers with its
/// result has no verdict.
const REMEMBERED: usize = 4_096;

/// How long a result stands, and a little more (kernel/module/dups.c `kmod_dup_request_announce`, 6.4 to 7.3).
const STANDS: Nanos = Nanos::from_secs(61);

/// The last requests that had a helper of their own.
#[derive(Clone, Debug, Default)]
pub struct Firsts {
    /// The kernel does this.
    is_on: bool,
    /// The last for each name.
    by_alias: BTreeMap<Arc<str>, RequestId>,
    known: BTreeMap<RequestId, First>,
}

#[derive(Clone, Debug)]
struct First {
    alias: Arc<str>,
    /// As it was closed; `None` while it is open.
    closed: Option<Arc<Request>>,
    /// Those that were answered with its result while it was open.
    followers: BTreeSet<RequestId>,
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

    /// The request waits for a helper of its own: it stands for later ones. Returns those that waited for a request
    /// that is forgotten: what became of that will not be known.
    pub fn waits(&mut self, request: &Request) -> BTreeSet<RequestId> {
        let Some(alias) = request.requested.alias.text().filter(|_| self.is_on) else { return BTreeSet::new() };
        self.by_alias.insert(alias.clone(), request.id);
        self.known.insert(request.id, First { alias: alias.clone(), closed: None, followers: BTreeSet::new() });
        let surplus = self.known.len() > REMEMBERED;
        let Some((id, forgotten)) = surplus.then(|| self.known.pop_first()).flatten() else { return BTreeSet::new() };
        if self.by_alias.get(&forgotten.alias) == Some(&id) {
            self.by_alias.remove(&forgotten.alias);
        }
        forgotten.followers
    }

    /// The request whose result a request for `alias` gets that is made at `asked`.
    #[must_use]
    pub fn of(&self, alias: &str, asked: Stamp) -> Option<RequestId> {
        let id = self.by_alias.get(alias).copied()?;
        let returned = self.outcome(id).and_then(|first| first.returned);
        let is_over = returned.is_some_and(|returned| asked.mono.since(returned.mono) > STANDS);
        (!is_over).then_some(id)
    }

    /// Whether it is open. If so, `follower` is judged after it.
    pub fn awaits(&mut self, first: RequestId, follower: RequestId) -> bool {
        let Some(first) = self.known.get_mut(&first).filter(|first| first.closed.is_none()) else { return false };
        first.followers.insert(follower);
        true
    }

    /// What became of it; `None` if that is not known.
    #[must_use]
    pub fn outcome(&self, first: RequestId) -> Option<&Request> {
        self.known.get(&first)?.closed.as_deref()
    }

    /// A request is closed: those that wait for that.
    pub fn closed(&mut self, request: &Arc<Request>) -> BTreeSet<RequestId> {
        let Some(first) = self.known.get_mut(&request.id) else { return BTreeSet::new() };
        first.closed = Some(request.clone());
        std::mem::take(&mut first.followers)
    }
}

//! A binary index made by depmod, as modprobe reads it: a tree of keys by their letters. Only the part that a question
//! needs is read.
//!
//! In: the bytes of `modules.dep.bin`, `modules.alias.bin` and similar files, and a key. Out: the values filed under
//! the key, or under a pattern that it matches. The format, and the order of values: libkmod/libkmod-index.c of kmod
//! 30. Nothing in the bytes is trusted: a damaged index gives fewer values, or others, in bounded time.

use super::pattern;
use std::sync::Arc;

const MAGIC: u32 = 0xb007_f457;
/// The major half of the version.
const VERSION: u32 = 2;
const HAS_PREFIX: u32 = 0x8000_0000;
const HAS_VALUES: u32 = 0x4000_0000;
const HAS_CHILDREN: u32 = 0x2000_0000;
const PLACE: u32 = 0x0fff_ffff;
/// Steps that one question may take (a node, a pattern that is tried, a value): more than the largest index needs, and
/// a bound for a damaged one.
const STEPS: usize = 1 << 20;

/// Letters of a key that are followed: more than any alias has, and a bound for a tree with a cycle.
const LETTERS: usize = 2_048;

/// An index.
#[derive(Clone, Debug, Default)]
pub struct Index {
    bytes: Vec<u8>,
    root: u32,
}

/// A value, and its rank among several.
type Value = (u32, Arc<str>);

/// One node of the tree.
struct Node<'data> {
    prefix: &'data [u8],
    /// The first letter that a child can have.
    first: u8,
    /// The offsets of the children, four bytes each; zero if no child has that letter.
    children: &'data [u8],
    /// The values, still packed.
    values: &'data [u8],
    count: u32,
}

impl Index {
    /// Takes in the bytes; `None` if they are not an index of this version.
    #[must_use]
    pub fn of(bytes: Vec<u8>) -> Option<Self> {
        let header = [0, 4, 8].map(|at| word(&bytes, at));
        match header {
            [Some(MAGIC), Some(version), Some(root)] if version >> 16 == VERSION => Some(Self { bytes, root }),
            _ => None,
        }
    }

    /// The first value of exactly this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Arc<str>> {
        let mut rest = key.as_bytes();
        let mut node = self.node(self.root)?;
        // Each iteration takes a letter of the key, so this ends.
        loop {
            rest = rest.strip_prefix(node.prefix)?;
            let Some((letter, behind)) = rest.split_first() else { break };
            node = self.child(&node, *letter)?;
            rest = behind;
        }
        values(&node).next().map(|(_, value)| value)
    }

    /// The values of all keys that are patterns and match `name`, in their order.
    #[must_use]
    pub fn matching(&self, name: &str) -> Vec<Arc<str>> {
        let mut search = Search { index: self, left: STEPS, found: Vec::new() };
        if let Some(root) = self.node(self.root) {
            search.follow(root, name.as_bytes());
        }
        search.found.sort_by_key(|(priority, _)| *priority);
        search.found.into_iter().map(|(_, value)| value).collect()
    }

    fn node(&self, at: u32) -> Option<Node<'_>> {
        let mut rest = self.bytes.get((at & PLACE) as usize..).filter(|_| at & PLACE != 0)?;
        let mut node = Node { prefix: &[], first: 0, children: &[], values: &[], count: 0 };
        if at & HAS_PREFIX != 0 {
            (node.prefix, rest) = until_nul(rest)?;
        }
        if at & HAS_CHILDREN != 0 {
            let ([first, last], behind) = rest.split_first_chunk()?;
            let bytes = (usize::from(*last) + 1).checked_sub(usize::from(*first))? * 4;
            node.first = *first;
            (node.children, rest) = behind.split_at_checked(bytes)?;
        }
        if at & HAS_VALUES != 0 {
            node.count = word(rest, 0)?;
            node.values = rest.get(4..)?;
        }
        Some(node)
    }

    fn child(&self, node: &Node<'_>, letter: u8) -> Option<Node<'_>> {
        let place = usize::from(letter.checked_sub(node.first)?) * 4;
        self.node(word(node.children, place)?)
    }
}

/// A search with wildcards.
struct Search<'data> {
    index: &'data Index,
    /// Steps that may still be taken.
    left: usize,
    found: Vec<Value>,
}

impl<'data> Search<'data> {
    /// Goes down by the letters of `name`, and into every wildcard on the way.
    fn follow(&mut self, mut node: Node<'data>, mut name: &[u8]) {
        while self.step() {
            for (place, letter) in node.prefix.iter().enumerate() {
                if is_wild(*letter) {
                    let behind = node.prefix.get(place..).unwrap_or_default();
                    return self.all(&node, behind, &mut Vec::new(), name);
                }
                match name.split_first() {
                    Some((next, behind)) if next == letter => name = behind,
                    Some(_) | None => return,
                }
            }
            for wild in *b"*?[" {
                if let Some(child) = self.index.child(&node, wild) {
                    self.all(&child, child.prefix, &mut vec![wild], name);
                }
            }
            let Some((letter, behind)) = name.split_first() else { return self.take(&node) };
            let Some(child) = self.index.child(&node, *letter) else { return };
            (node, name) = (child, behind);
        }
    }

    /// Tries everything below a node whose key is a pattern from `pattern` on; `prefix` comes next in it.
    fn all(&mut self, node: &Node<'data>, prefix: &[u8], pattern: &mut Vec<u8>, name: &[u8]) {
        let length = pattern.len();
        if length + prefix.len() > LETTERS {
            return;
        }
        pattern.extend(prefix);
        for letter in (node.first..=u8::MAX).take(node.children.len() / 4) {
            let Some(child) = self.index.child(node, letter).filter(|_| self.step()) else { continue };
            pattern.push(letter);
            self.all(&child, child.prefix, pattern, name);
            pattern.pop();
        }
        if node.count > 0 && self.step() && matches(pattern, name) {
            self.take(node);
        }
        pattern.truncate(length);
    }

    /// Takes the values of a node.
    fn take(&mut self, node: &Node<'data>) {
        for value in values(node) {
            if !self.step() {
                break;
            }
            self.found.push(value);
        }
    }

    /// Whether one more step may be taken.
    const fn step(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left > 0
    }
}

const fn is_wild(letter: u8) -> bool {
    matches!(letter, b'*' | b'?' | b'[')
}

fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (std::str::from_utf8(pattern), std::str::from_utf8(name)) {
        (Ok(pattern), Ok(name)) => pattern::matches(pattern, name),
        (Ok(_) | Err(_), _) => false,
    }
}

/// The values of a node, as far as they are complete.
fn values<'data>(node: &Node<'data>) -> impl Iterator<Item = Value> + use<'data> {
    let mut rest = node.values;
    (0..node.count).map_while(move |_| {
        let priority = word(rest, 0)?;
        let (text, behind) = rest.get(4..).and_then(until_nul)?;
        rest = behind;
        Some((priority, String::from_utf8_lossy(text).into()))
    })
}

/// The bytes before the next NUL, and those after it.
fn until_nul(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some((bytes.get(..end)?, bytes.get(end + 1..)?))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_be_bytes)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// A node to be written.
    #[derive(Default)]
    struct Branch {
        children: BTreeMap<u8, Branch>,
        values: Vec<(u32, String)>,
    }

    /// An index of these keys and values, in this order, as depmod would write it: a branch with one child and no
    /// values becomes a prefix, except for the root.
    pub fn index<'text>(entries: impl IntoIterator<Item = (&'text str, &'text str)>) -> Index {
        let mut root = Branch::default();
        for (priority, (key, value)) in (0..).zip(entries) {
            let branch = key.bytes().fold(&mut root, |branch, letter| branch.children.entry(letter).or_default());
            branch.values.push((priority, value.to_owned()));
        }
        let mut bytes = [MAGIC, VERSION << 16, 0].map(u32::to_be_bytes).concat();
        let place = write(&root, &mut bytes, true);
        bytes[8..12].copy_from_slice(&place.to_be_bytes());
        Index::of(bytes).unwrap()
    }

    fn write(branch: &Branch, bytes: &mut Vec<u8>, is_root: bool) -> u32 {
        // A branch with one child and no values is a prefix.
        let mut prefix = Vec::new();
        let mut branch = branch;
        while !is_root && branch.values.is_empty() && branch.children.len() == 1 {
            let (letter, child) = branch.children.first_key_value().unwrap();
            prefix.push(*letter);
            branch = child;
        }
        let places: BTreeMap<u8, u32> =
            branch.children.iter().map(|(letter, child)| (*letter, write(child, bytes, false))).collect();
        let mut flags = 0;
        let at = bytes.len() as u32;
        if !prefix.is_empty() {
            flags |= HAS_PREFIX;
            bytes.extend(&prefix);
            bytes.push(0);
        }
        if let (Some((first, _)), Some((last, _))) = (places.first_key_value(), places.last_key_value()) {
            flags |= HAS_CHILDREN;
            bytes.extend([*first, *last]);
            (*first..=*last).for_each(|letter| {
                bytes.extend(places.get(&letter).copied().unwrap_or(0).to_be_bytes());
            });
        }
        if !branch.values.is_empty() {
            flags |= HAS_VALUES;
            bytes.extend((branch.values.len() as u32).to_be_bytes());
            for (priority, value) in &branch.values {
                bytes.extend(priority.to_be_bytes());
                bytes.extend(value.bytes());
                bytes.push(0);
            }
        }
        at | flags
    }

    fn found(index: &Index, name: &str) -> String {
        index.matching(name).join(" ")
    }

    #[test]
    fn keys_are_found_exactly_or_as_patterns_in_the_order_of_the_index() {
        let index = index([
            ("twice_*", "a"),
            ("pci:v0000[8-9]*d0*", "c"),
            ("twice_x", "b"),
            ("twice_?", "d"),
            ("twice", "e"),
            ("*", "all"),
        ]);
        assert_eq!(found(&index, "twice_x"), "a b d all");
        assert_eq!(found(&index, "twice_xy"), "a all");
        assert_eq!(found(&index, "twice"), "e all");
        assert_eq!(found(&index, "pci:v00008d0f"), "c all");
        assert_eq!(found(&index, "pci:v00007d0f"), "all");
        assert_eq!((index.get("twice_x").as_deref(), index.get("twice_")), (Some("b"), None));
        assert_eq!((index.get("twice").as_deref(), index.get("")), (Some("e"), None));
    }

    #[test]
    fn whatever_is_damaged_gives_less_and_never_anything_else() {
        let whole = index([("can", "x"), ("can_raw", "y"), ("net_pf_*", "z")]);
        let known = ["x", "y", "z"];
        for end in 0..whole.bytes.len() {
            let Some(cut) = Index::of(whole.bytes[..end].to_vec()) else { continue };
            let values = ["can", "can_raw", "net_pf_29"].map(|name| cut.matching(name)).concat();
            assert!(values.iter().all(|value| known.contains(&&**value)), "cut at {end}: {values:?}");
        }
        for place in 0..whole.bytes.len() {
            for bit in 0..8 {
                let mut bytes = whole.bytes.clone();
                bytes[place] ^= 1 << bit;
                let Some(bent) = Index::of(bytes) else { continue };
                // It ends; its answers are as right as the bytes are.
                let _ = ["can", "can_raw", "net_pf_29"].map(|name| (bent.get(name), bent.matching(name)));
            }
        }
        assert!(Index::of(b"ELF".to_vec()).is_none() && Index::of(Vec::new()).is_none());
        // The root's only child is the root.
        let root = HAS_CHILDREN | HAS_VALUES | 12;
        let words = [MAGIC, VERSION << 16, root];
        let mut circle: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        circle.extend(*b"**");
        circle.extend([root, 20_000].iter().flat_map(|word: &u32| word.to_be_bytes()));
        (0..20_000).for_each(|_| circle.extend(*b"\0\0\0\0x\0"));
        let found = Index::of(circle).unwrap().matching("can").len();
        assert!((1..STEPS).contains(&found), "it ends, in bounded memory: {found}");
    }
}

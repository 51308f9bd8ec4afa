//! Circles in a graph of who waits for whom.
//!
//! In: for each node, whom it waits for, and which nodes are not one task alone. Out: circles that share no other node,
//! as many as anybody looks at. Each takes linear time.

use std::collections::{BTreeMap, BTreeSet};

/// Circles that are looked for.
const MOST: usize = 100;

/// Circles, each in order: a member waits for the next one, and the last for the first. If circles share a node that is
/// not in `shared`, one of them is found. No two nodes of `shared` wait for each other.
pub(super) fn circles<N: Copy + Ord>(waits: &BTreeMap<N, BTreeSet<N>>, shared: &[N]) -> Vec<Vec<N>> {
    let mut graph = Graph::of(waits);
    graph.trim(waits.keys().copied().collect());
    let mut found = Vec::new();
    while found.len() < MOST
        && let Some(start) = graph.next.keys().next().copied()
    {
        let circle = graph.walk(start);
        let own: Vec<N> = circle.iter().copied().filter(|node| !shared.contains(node)).collect();
        if own.is_empty() {
            break;
        }
        graph.remove(&own);
        found.push(circle);
    }
    found
}

/// The nodes that may lie on a circle.
struct Graph<N> {
    next: BTreeMap<N, BTreeSet<N>>,
    before: BTreeMap<N, BTreeSet<N>>,
}

impl<N: Copy + Ord> Graph<N> {
    fn of(waits: &BTreeMap<N, BTreeSet<N>>) -> Self {
        let mut graph = Self { next: BTreeMap::new(), before: BTreeMap::new() };
        for (from, to) in waits.iter().flat_map(|(from, to)| to.iter().map(move |to| (*from, *to))) {
            graph.next.entry(from).or_default().insert(to);
            graph.before.entry(to).or_default().insert(from);
        }
        graph
    }

    /// Removes what waits for nobody, or is waited for by nobody, and so on.
    fn trim(&mut self, mut border: Vec<N>) {
        border.extend(self.before.keys().copied());
        while let Some(node) = border.pop() {
            if self.next.contains_key(&node) && self.before.contains_key(&node) {
                continue;
            }
            border.extend(self.cut(node));
        }
    }

    /// Removes a node; returns its neighbours.
    fn cut(&mut self, node: N) -> Vec<N> {
        let after = self.next.remove(&node).unwrap_or_default();
        let before = self.before.remove(&node).unwrap_or_default();
        for (others, map) in [(&after, &mut self.before), (&before, &mut self.next)] {
            for other in others {
                if let Some(edges) = map.get_mut(other) {
                    edges.remove(&node);
                    if edges.is_empty() {
                        map.remove(other);
                    }
                }
            }
        }
        after.into_iter().chain(before).filter(|other| *other != node).collect()
    }

    fn remove(&mut self, circle: &[N]) {
        let neighbours = circle.iter().flat_map(|node| self.cut(*node)).collect();
        self.trim(neighbours);
    }

    /// Follows those who wait until one comes again: every node that is left waits for one that is left.
    fn walk(&self, start: N) -> Vec<N> {
        let mut path = vec![start];
        let mut places = BTreeMap::from([(start, 0)]);
        while let Some(next) = path.last().and_then(|last| self.next.get(last)?.iter().next().copied()) {
            if let Some(place) = places.get(&next) {
                return path.split_off(*place);
            }
            places.insert(next, path.len());
            path.push(next);
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(edges: &[(u32, u32)]) -> Vec<Vec<u32>> {
        let mut waits: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for (from, to) in edges {
            waits.entry(*from).or_default().insert(*to);
        }
        circles(&waits, &[0])
    }

    #[test]
    fn circles_are_found_and_nothing_else() {
        assert_eq!(of(&[]), Vec::<Vec<u32>>::new());
        assert_eq!(of(&[(1, 2), (2, 3), (1, 3)]), Vec::<Vec<u32>>::new());
        assert_eq!(of(&[(1, 2), (2, 1), (3, 1), (2, 4)]), [[1, 2]]);
        assert_eq!(of(&[(5, 5), (5, 6)]), [[5]]);
        assert_eq!(of(&[(0, 1), (1, 2), (2, 0), (0, 3), (3, 4), (4, 0)]), [[0, 1, 2], [0, 3, 4]]);
        assert_eq!(of(&[(0, 0)]), Vec::<Vec<u32>>::new());
        assert_eq!(of(&[(1, 2), (2, 3), (3, 1), (7, 8), (8, 7), (3, 7)]), [vec![1, 2, 3], vec![7, 8]]);
    }

    #[test]
    fn a_long_chain_into_a_long_circle_takes_no_time() {
        let chain = (0..100_000).map(|node| (node, node + 1));
        let circle = (100_000..200_000).map(|node| (node, if node == 199_999 { 100_000 } else { node + 1 }));
        let found = of(&chain.chain(circle).collect::<Vec<_>>());
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [100_000]);
    }
}

//! Rules of one priority: nothing says which comes first, which matters where they do not say the same.

/// A rule among others in order of priority.
pub trait Ranked {
    fn same_priority(&self, other: &Self) -> bool;

    fn same_access(&self, other: &Self) -> bool;

    /// Notes that another rule of this priority says something else.
    fn contest(&mut self);
}

/// Marks the rules whose place among those of their priority matters and is not known.
pub fn mark_contested<R: Ranked>(rules: &mut [R]) {
    for twins in rules.chunk_by_mut(R::same_priority) {
        let differ = |pair: &[R]| matches!(pair, [one, other] if !one.same_access(other));
        if twins.windows(2).any(differ) {
            twins.iter_mut().for_each(R::contest);
        }
    }
}

//! One copy of texts that recur in thousands of machines: names of groups, tags, sentences about a shared filter.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;

/// Texts kept by a thread; beyond, the table starts anew, so that texts that never recur cost little.
const MOST: usize = 1 << 16;

type Table = HashSet<Arc<str>, foldhash::fast::RandomState>;

thread_local! {
    static TABLE: RefCell<Table> = RefCell::new(Table::default());
}

/// The text as an `Arc` that other calls with the same text on this thread share.
pub fn intern(text: &str) -> Arc<str> {
    TABLE.with_borrow_mut(|table| {
        if let Some(known) = table.get(text) {
            return Arc::clone(known);
        }
        if table.len() >= MOST {
            table.clear();
        }
        let text: Arc<str> = Arc::from(text);
        table.insert(Arc::clone(&text));
        text
    })
}

//! Override files: what they state takes the place of what the same block of another file states.

use std::sync::Arc;

use crate::input::terraform::Said;
use crate::input::terraform::syntax::{Block, Body};
use crate::source::Diagnostic;

/// Whether a file of this name is one.
pub fn is_override(name: &str) -> bool {
    let stem = name.strip_suffix(".json").unwrap_or(name);
    stem.strip_suffix(".tf")
        .is_some_and(|stem| stem == "override" || stem.ends_with("_override"))
}

pub fn apply(blocks: &mut Vec<Block>, body: Body, said: &mut Vec<Said>) {
    for block in body.blocks {
        match &*block.kind {
            "locals" => override_locals(blocks, block),
            "terraform" => blocks.push(block),
            _ => override_block(blocks, block, said),
        }
    }
}

fn override_locals(blocks: &mut Vec<Block>, block: Block) {
    let stated: Vec<Arc<str>> = block
        .body
        .attributes
        .iter()
        .map(|attribute| attribute.name.clone())
        .collect();
    for other in blocks.iter_mut().filter(|other| &*other.kind == "locals") {
        other
            .body
            .attributes
            .retain(|attribute| !stated.contains(&attribute.name));
    }
    blocks.push(block);
}

fn override_block(blocks: &mut [Block], block: Block, said: &mut Vec<Said>) {
    let alias = |block: &Block| {
        let attribute = block.body.attribute("alias");
        attribute.and_then(|alias| alias.value.as_text().cloned())
    };
    let found = blocks
        .iter_mut()
        .find(|other| other.kind == block.kind && other.labels == block.labels && alias(other) == alias(&block));
    let Some(found) = found else {
        let message = format!("there is no `{} {}` to override", block.kind, block.labels.join("."));
        let help = "declare it in an ordinary file of this directory; it was passed over";
        said.push(Said::new(
            block.head,
            Diagnostic::error("nothing-to-override", message).help(help),
        ));
        return;
    };
    merge(&mut found.body, block.body);
}

fn merge(base: &mut Body, over: Body) {
    for attribute in over.attributes {
        match base.attributes.iter_mut().find(|other| other.name == attribute.name) {
            Some(other) => *other = attribute,
            None => base.attributes.push(attribute),
        }
    }
    let kinds: Vec<Arc<str>> = over.blocks.iter().map(Block::produced).collect();
    base.blocks.retain(|block| !kinds.contains(&block.produced()));
    base.blocks.extend(over.blocks);
}

impl Block {
    /// The kind of block that it makes: a `dynamic` one makes another.
    fn produced(&self) -> Arc<str> {
        match (&*self.kind, self.labels.first()) {
            ("dynamic", Some(kind)) => kind.clone(),
            _ => self.kind.clone(),
        }
    }
}

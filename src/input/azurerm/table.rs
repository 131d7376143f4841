//! The shape of the table: what of a Terraform type becomes what of an ARM resource. The rows are in the files beside.
//! Data only; how it is applied is in `map`, `identity` and `lower`.

/// One Terraform type.
#[derive(Debug)]
pub struct Row {
    /// `azurerm_subnet`.
    pub terraform: &'static str,
    pub is: Is,
    pub fields: &'static [Field],
    /// Attributes that the provider computes and that references ask for.
    pub computed: &'static [Computed],
}

/// What a Terraform type is in ARM.
#[derive(Debug)]
pub enum Is {
    /// A resource of this type.
    Resource { arm: &'static str, id: Id },
    /// An element of a list of another resource, which is found by the id made so.
    Element {
        of: &'static str,
        list: &'static str,
        id: Id,
    },
    /// Facts of another resource, whose id stands in an argument.
    Part {
        of: &'static str,
        id: &'static str,
        onto: Onto,
    },
    /// Names only: nothing of it is judged, but ids are made of it.
    Name { id: Id },
}

/// Where the facts of a part go.
#[derive(Debug)]
pub enum Onto {
    /// Onto the resource itself.
    Itself,
    /// Onto each IPv4 ip configuration of an interface.
    EachConfiguration,
    /// Onto the ip configuration that an argument names.
    NamedConfiguration(&'static str),
}

/// How the id of a resource is made.
#[derive(Debug)]
pub enum Id {
    /// Of `resource_group_name`, the type, and the arguments that name it, the outermost first.
    InGroup(&'static str, &'static [&'static str]),
    /// Of the id in an argument, a kind, and the name.
    Under(&'static str, &'static str, &'static str),
    /// Of the subscription, the type and an argument, which has a default.
    InSubscription(&'static str, &'static str, &'static str),
    /// Of the id in an argument and an action: what Azure would answer.
    Action(&'static str, &'static str),
    /// Of the subscription and its own name.
    Group,
}

/// One argument and where it goes.
#[derive(Debug)]
pub struct Field {
    pub from: &'static str,
    /// A path with dots within `properties`; from the root of the resource where it begins with `/`.
    pub to: &'static str,
    pub how: How,
}

#[derive(Debug)]
pub enum How {
    /// As it is.
    Same,
    /// An id: `{ "id": ... }`.
    Id,
    /// A list of ids: `[{ "id": ... }]`.
    Ids,
    /// One id as a list of it.
    OneId,
    /// One value as a list of it.
    ListOf,
    /// The opposite of a boolean.
    Not,
    /// The first block as an object.
    Block(&'static [Field]),
    /// Each text of a list as an object with this member.
    EachAs(&'static str),
    /// The arguments themselves as the only element of a list; `from` is empty.
    Own(&'static [Field]),
    /// Each block as an element of a list. Two fields with one list give one list.
    Blocks(&'static [Field]),
    /// A word of Terraform as ARM's word; others as they are.
    Word(&'static [(&'static str, &'static str)]),
    /// The same for every instance; `from` is empty.
    Constant(&'static str),
    /// Where the argument is absent in a configuration: a word by the major version of the provider.
    Default(&'static [(u32, &'static str)]),
    /// The id of a child, made of its kind and the name in the argument; the parent's id stands in another argument.
    ChildOf(&'static str, &'static str),
}

/// What a reference can ask for beyond `id` and the arguments.
#[derive(Debug)]
pub enum Computed {
    /// Blocks of this name get an `id` of this kind under the resource.
    Ids(&'static str, &'static str),
    /// Known only when it exists.
    Open(&'static str),
}

pub const fn same(from: &'static str, to: &'static str) -> Field {
    Field {
        from,
        to,
        how: How::Same,
    }
}

pub const fn id(from: &'static str, to: &'static str) -> Field {
    Field { from, to, how: How::Id }
}

pub const fn ids(from: &'static str, to: &'static str) -> Field {
    Field {
        from,
        to,
        how: How::Ids,
    }
}

pub const fn one_id(from: &'static str, to: &'static str) -> Field {
    Field {
        from,
        to,
        how: How::OneId,
    }
}

pub const fn list_of(from: &'static str, to: &'static str) -> Field {
    Field {
        from,
        to,
        how: How::ListOf,
    }
}

pub const fn not(from: &'static str, to: &'static str) -> Field {
    Field {
        from,
        to,
        how: How::Not,
    }
}

pub const fn block(from: &'static str, to: &'static str, fields: &'static [Field]) -> Field {
    Field {
        from,
        to,
        how: How::Block(fields),
    }
}

pub const fn blocks(from: &'static str, to: &'static str, fields: &'static [Field]) -> Field {
    Field {
        from,
        to,
        how: How::Blocks(fields),
    }
}

pub const fn word(from: &'static str, to: &'static str, words: &'static [(&'static str, &'static str)]) -> Field {
    Field {
        from,
        to,
        how: How::Word(words),
    }
}

pub const fn constant(to: &'static str, value: &'static str) -> Field {
    Field {
        from: "",
        to,
        how: How::Constant(value),
    }
}

pub const fn default(from: &'static str, to: &'static str, by_major: &'static [(u32, &'static str)]) -> Field {
    Field {
        from,
        to,
        how: How::Default(by_major),
    }
}

/// A resource of its own; region and tags go without saying.
pub const fn resource(terraform: &'static str, arm: &'static str, id: Id, fields: &'static [Field]) -> Row {
    Row {
        terraform,
        is: Is::Resource { arm, id },
        fields,
        computed: &[],
    }
}

/// An element or a part of another resource.
pub const fn part(terraform: &'static str, is: Is, fields: &'static [Field]) -> Row {
    Row {
        terraform,
        is,
        fields,
        computed: &[],
    }
}

/// The id of a child of the resource that another argument names.
pub const fn child_of(from: &'static str, to: &'static str, of: &'static str, kind: &'static str) -> Field {
    Field {
        from,
        to,
        how: How::ChildOf(of, kind),
    }
}

/// What every resource says at its root.
pub const ROOT: &[Field] = &[same("location", "/location"), same("tags", "/tags")];

pub const fn each_as(from: &'static str, to: &'static str, member: &'static str) -> Field {
    Field {
        from,
        to,
        how: How::EachAs(member),
    }
}

pub const fn own(to: &'static str, fields: &'static [Field]) -> Field {
    Field {
        from: "",
        to,
        how: How::Own(fields),
    }
}

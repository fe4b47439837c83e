//! What may stand in the blocks that are terraform's own.
//!
//! Source: the "Configuration Language" documentation of terraform 1.14 and of `OpenTofu` 1.12. What one version of a
//! program understands counts for all of them: older ones say themselves what they do not understand.

use crate::gates::Program;

/// The form of a block.
pub(crate) struct Grammar {
    pub(crate) block_type: &'static str,
    pub(crate) n_labels: usize,
    pub(crate) arguments: &'static [Word],
    pub(crate) required: &'static [&'static str],
    pub(crate) blocks: &'static [Word],
    /// Whether it may hold more, which somebody else defines.
    pub(crate) is_open: bool,
    /// Who understands it.
    pub(crate) of: Option<Program>,
}

/// A name, and who understands it where not both programs do.
pub(crate) struct Word(&'static str, Option<Program>);

const fn both(name: &'static str) -> Word {
    Word(name, None)
}

const fn tofu(name: &'static str) -> Word {
    Word(name, Some(Program::OpenTofu))
}

const fn terraform(name: &'static str) -> Word {
    Word(name, Some(Program::Terraform))
}

const NONE: Grammar =
    Grammar { block_type: "", n_labels: 0, arguments: &[], required: &[], blocks: &[], is_open: false, of: None };

const CONDITION: Grammar = Grammar {
    arguments: &[both("condition"), both("error_message")],
    required: &["condition", "error_message"],
    ..NONE
};

/// The blocks at the top of a file.
pub(crate) const TOP: &[Grammar] = &[
    Grammar { block_type: "action", n_labels: 2, is_open: true, of: Some(Program::Terraform), ..NONE },
    Grammar { block_type: "check", n_labels: 1, blocks: &[both("data"), both("assert")], ..NONE },
    Grammar { block_type: "data", n_labels: 2, is_open: true, ..NONE },
    Grammar { block_type: "ephemeral", n_labels: 2, is_open: true, ..NONE },
    Grammar {
        block_type: "import",
        arguments: &[both("to"), both("id"), both("identity"), both("provider"), both("for_each")],
        required: &["to"],
        ..NONE
    },
    Grammar { block_type: "language", is_open: true, of: Some(Program::OpenTofu), ..NONE },
    Grammar { block_type: "locals", is_open: true, ..NONE },
    Grammar { block_type: "module", n_labels: 1, is_open: true, required: &["source"], ..NONE },
    Grammar { block_type: "moved", arguments: &[both("from"), both("to")], required: &["from", "to"], ..NONE },
    Grammar {
        block_type: "output",
        n_labels: 1,
        arguments: &[
            both("description"),
            both("value"),
            both("sensitive"),
            both("depends_on"),
            both("ephemeral"),
            both("deprecated"),
            terraform("type"),
        ],
        required: &["value"],
        blocks: &[both("precondition")],
        ..NONE
    },
    Grammar { block_type: "provider", n_labels: 1, is_open: true, ..NONE },
    Grammar {
        block_type: "removed",
        arguments: &[both("from")],
        required: &["from"],
        blocks: &[both("lifecycle"), both("provisioner"), both("connection")],
        ..NONE
    },
    Grammar { block_type: "resource", n_labels: 2, is_open: true, ..NONE },
    Grammar {
        block_type: "terraform",
        arguments: &[both("required_version"), both("experiments"), both("language")],
        blocks: &[
            both("backend"),
            both("cloud"),
            both("required_providers"),
            both("provider_meta"),
            tofu("encryption"),
        ],
        ..NONE
    },
    Grammar {
        block_type: "variable",
        n_labels: 1,
        arguments: &[
            both("description"),
            both("default"),
            both("type"),
            both("sensitive"),
            both("nullable"),
            both("ephemeral"),
            both("deprecated"),
            both("const"),
        ],
        blocks: &[both("validation")],
        ..NONE
    },
];

/// Blocks within these blocks, by the type of the outer one.
pub(crate) const INNER: &[(&str, Grammar)] = &[
    ("check", Grammar { block_type: "assert", ..CONDITION }),
    ("check", Grammar { block_type: "data", n_labels: 2, is_open: true, ..NONE }),
    ("output", Grammar { block_type: "precondition", ..CONDITION }),
    ("variable", Grammar { block_type: "validation", ..CONDITION }),
    ("terraform", Grammar { block_type: "backend", n_labels: 1, is_open: true, ..NONE }),
    ("terraform", Grammar { block_type: "provider_meta", n_labels: 1, is_open: true, ..NONE }),
    ("removed", Grammar { block_type: "lifecycle", arguments: &[both("destroy")], ..NONE }),
    (
        "resource",
        Grammar {
            block_type: "lifecycle",
            arguments: &[
                both("create_before_destroy"),
                both("prevent_destroy"),
                both("ignore_changes"),
                both("replace_triggered_by"),
                tofu("enabled"),
                both("destroy"),
            ],
            blocks: &[both("precondition"), both("postcondition"), terraform("action_trigger")],
            ..NONE
        },
    ),
    (
        "data",
        Grammar {
            block_type: "lifecycle",
            arguments: &[tofu("enabled")],
            blocks: &[both("precondition"), both("postcondition")],
            ..NONE
        },
    ),
    ("lifecycle", Grammar { block_type: "precondition", ..CONDITION }),
    ("lifecycle", Grammar { block_type: "postcondition", ..CONDITION }),
];

impl Word {
    /// Tells whether it is this name, for who reads.
    fn is(&self, name: &str, program: Option<Program>) -> bool {
        self.0 == name && understands(self.1, program)
    }
}

impl Grammar {
    pub(crate) fn has_argument(&self, name: &str, program: Option<Program>) -> bool {
        self.is_open || self.arguments.iter().any(|word| word.is(name, program))
    }

    pub(crate) fn has_block(&self, name: &str, program: Option<Program>) -> bool {
        self.is_open || self.blocks.iter().any(|word| word.is(name, program))
    }

    /// Gives all names of arguments, for suggestions.
    pub(crate) fn argument_names(&self) -> impl Iterator<Item = &'static str> {
        self.arguments.iter().map(|word| word.0)
    }
}

/// Tells whether who reads understands what one program has.
pub(crate) fn understands(of: Option<Program>, program: Option<Program>) -> bool {
    of.is_none() || program.is_none() || of == program
}

//! Which features of the language may be written, by the programs that run a root.
//!
//! Two things tell: what the root's files require, and which program was found. What is not known is taken for the worst
//! that is likely: both programs, each in the first version that adopts at all.

use std::fmt;

use model::Diagnostics;

use crate::module;
use crate::source::SourceTree;
use crate::versions::{Constraints, Version};

/// A program that runs configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Program {
    /// `terraform`.
    Terraform,
    /// `tofu`.
    OpenTofu,
}

/// Something in a configuration that older programs do not understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// `import` blocks in the root module.
    ImportBlocks,
    /// `for_each` in `import` blocks.
    ImportForEach,
    /// `provider` in `import` blocks.
    ImportProvider,
    /// `identity` in `import` blocks, in the place of `id`.
    ImportIdentity,
    /// `import` blocks in other modules than the root.
    ImportInModules,
    /// `moved` blocks.
    MovedBlocks,
    /// `removed` blocks with the `lifecycle` block that [`removed_block`](crate::emit::removed_block) writes.
    RemovedBlocks,
    /// Arguments that are kept in no state.
    WriteOnlyArguments,
}

/// What is known of a feature.
#[derive(Clone, Copy, Debug)]
struct Gate {
    feature: Feature,
    /// What it is called, in the plural.
    name: &'static str,
    /// Whether it stays in the code when the objects are adopted.
    is_lasting: bool,
    /// From which minor version of terraform's 1 on; `None` in none.
    terraform: Option<u64>,
    /// From which minor version of OpenTofu's 1 on.
    opentofu: Option<u64>,
}

/// The features, in the order of [`Feature`].
///
/// Sources: the change logs of both programs for the versions named. For terraform 1.16 its pull request 38352; OpenTofu
/// has `removed` since 1.7, with `lifecycle` in it since 1.10 (its pull request 2628).
const GATES: &[Gate] = &[
    gate(Feature::ImportBlocks, "`import` blocks", false, Some(5), Some(6)),
    gate(Feature::ImportForEach, "`import` blocks with `for_each`", false, Some(7), Some(7)),
    gate(Feature::ImportProvider, "`import` blocks with `provider`", false, Some(5), Some(6)),
    gate(Feature::ImportIdentity, "`import` blocks with `identity`", false, Some(12), Some(12)),
    gate(Feature::ImportInModules, "`import` blocks outside the root module", false, Some(16), None),
    gate(Feature::MovedBlocks, "`moved` blocks", false, Some(1), Some(6)),
    gate(Feature::RemovedBlocks, "`removed` blocks that keep the object", false, Some(7), Some(10)),
    gate(Feature::WriteOnlyArguments, "write-only arguments", true, Some(11), Some(11)),
];

const fn gate(
    feature: Feature,
    name: &'static str,
    is_lasting: bool,
    terraform: Option<u64>,
    opentofu: Option<u64>,
) -> Gate {
    Gate { feature, name, is_lasting, terraform, opentofu }
}

/// What the files of a root require of the programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    /// What `required_version` says where terraform reads it.
    terraform: Vec<Constraints>,
    /// The same, without files in whose place OpenTofu reads its own: it counts for OpenTofu before 1.12.
    shared: Vec<Constraints>,
    /// What is required of OpenTofu alone: in its own files, and in `language` blocks.
    opentofu: Vec<Constraints>,
}

/// Says which features may be written.
///
/// ```
/// use hcl::MemoryTree;
/// use hcl::gates::{Feature, Gates, Program, Requirements};
/// let main = "terraform {\n  required_version = \"~> 1.7\"\n}\n";
/// let tree = MemoryTree([("main.tf".to_owned(), main.as_bytes().to_vec())].into());
/// let (requirements, _) = Requirements::read(&tree, ".");
/// let gates = Gates::new(&requirements, None);
/// assert!(gates.allows(Feature::ImportForEach) && !gates.allows(Feature::ImportIdentity));
/// let found = Gates::new(&requirements, Some((Program::Terraform, "1.12.2".parse()?)));
/// assert!(found.allows(Feature::ImportIdentity));
/// # Ok::<(), hcl::versions::ParseVersionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gates {
    /// One for each program that may run the root.
    bounds: Vec<Bound>,
}

/// The oldest versions of a program that may run the root.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bound {
    program: Program,
    /// Now, for what is done once.
    now: Version,
    /// At any time, for what stays in the code.
    ever: Version,
}

impl Program {
    /// The first minor version with `import` blocks: whoever adopts has at least that.
    fn first_that_adopts(self) -> Version {
        match self {
            Self::Terraform => Version::release(1, 5, 0),
            Self::OpenTofu => Version::release(1, 6, 0),
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terraform => "Terraform",
            Self::OpenTofu => "OpenTofu",
        })
    }
}

impl Feature {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::ImportBlocks,
        Self::ImportForEach,
        Self::ImportProvider,
        Self::ImportIdentity,
        Self::ImportInModules,
        Self::MovedBlocks,
        Self::RemovedBlocks,
        Self::WriteOnlyArguments,
    ];

    fn gate(self) -> &'static Gate {
        let found = GATES.iter().find(|gate| gate.feature == self);
        found.expect("the table has a line for every feature, which a test compares")
    }

    /// Gives the first version of a program that has it; `None` where no version does.
    pub fn since(self, program: Program) -> Option<Version> {
        let minor = match program {
            Program::Terraform => self.gate().terraform,
            Program::OpenTofu => self.gate().opentofu,
        };
        minor.map(|minor| Version::release(1, minor, 0))
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.gate().name)
    }
}

impl Requirements {
    /// Reads what the files of a folder require, those of OpenTofu alone included.
    ///
    /// Constraints that are none are passed over: no program takes them, and each says so itself.
    pub fn read(tree: &dyn SourceTree, folder: &str) -> (Self, Diagnostics) {
        let mut requirements = Self::default();
        let mut diagnostics = Diagnostics::new();
        for found in module::every_file(tree, folder, &mut diagnostics) {
            let file = &found.file;
            let text = |body: &crate::syntax::Body, name: &str| {
                let text = file.literal(&body.attribute(name)?.expression).ok()?.as_str()?.parse().ok();
                // Neither program takes pre-releases here.
                text.filter(|constraints: &Constraints| !constraints.versions().any(Version::is_pre_release))
            };
            for block in file.body.blocks("terraform") {
                let Some(constraints) = text(&block.body, "required_version") else { continue };
                if found.is_of_opentofu {
                    requirements.opentofu.push(constraints);
                    continue;
                }
                if !found.is_replaced {
                    requirements.shared.push(constraints.clone());
                }
                requirements.terraform.push(constraints);
            }
            for block in file.body.blocks("language").filter(|_| !found.is_replaced) {
                let inner = block.body.blocks("compatible_with");
                requirements.opentofu.extend(inner.filter_map(|inner| text(&inner.body, "opentofu")));
            }
        }
        (requirements, diagnostics)
    }

    /// Tells whether a version of a program may run the root.
    pub fn admits(&self, program: Program, version: &Version) -> bool {
        let all = |constraints: &[Constraints]| constraints.iter().all(|constraints| constraints.admits(version));
        match program {
            Program::Terraform => all(&self.terraform),
            // From 1.12 on it takes `required_version` in shared files for terraform's (its pull request 3871).
            Program::OpenTofu => {
                let is_recent = *version >= Version::release(1, 12, 0);
                all(&self.opentofu) && (is_recent || all(&self.shared))
            }
        }
    }

    /// Gives the oldest version that may run the root and adopt; where no such version may, the oldest of all.
    fn oldest(&self, program: Program) -> Version {
        let floor = program.first_that_adopts();
        let mut candidates = vec![Version::release(0, 0, 0), floor.clone(), Version::release(1, 12, 0)];
        for version in
            [&self.terraform, &self.shared, &self.opentofu].into_iter().flatten().flat_map(Constraints::versions)
        {
            candidates.push(version.clone());
            candidates.push(version.next_patch());
        }
        candidates.retain(|version| self.admits(program, version));
        candidates.sort();
        let adopting = candidates.iter().find(|version| **version >= floor);
        adopting.or(candidates.first()).cloned().unwrap_or(floor)
    }
}

impl Gates {
    /// Finds the gates from what a root requires, and the program that was found to run it.
    ///
    /// What is done once (importing) is done by the program found. What stays in the code must be understood by every
    /// version that the root admits. A program that the root does not admit runs something else.
    pub fn new(requirements: &Requirements, found: Option<(Program, Version)>) -> Self {
        let found = found.filter(|(program, version)| requirements.admits(*program, version));
        let programs = match &found {
            Some((program, _)) => vec![*program],
            None => vec![Program::Terraform, Program::OpenTofu],
        };
        let bound = |program| {
            let oldest = requirements.oldest(program);
            let is_required = !(requirements.terraform.is_empty() && requirements.opentofu.is_empty());
            match &found {
                Some((_, version)) => {
                    let ever = if is_required { oldest.min(version.clone()) } else { version.clone() };
                    Bound { program, now: version.clone(), ever }
                }
                None => Bound { program, now: oldest.clone(), ever: oldest },
            }
        };
        Self { bounds: programs.into_iter().map(bound).collect() }
    }

    /// Tells whether every program that may run the root understands a feature.
    pub fn allows(&self, feature: Feature) -> bool {
        self.bounds.iter().all(|bound| bound.has(feature))
    }

    /// Says why a feature may not be written, as a sentence; `None` where it may.
    pub fn refusal(&self, feature: Feature) -> Option<String> {
        let bound = self.bounds.iter().find(|bound| !bound.has(feature))?;
        let Bound { program, .. } = bound;
        let version = bound.version(feature);
        Some(match feature.since(*program) {
            Some(since) => format!(
                "{program} understands {feature} from version {since} on, and this root may be run by {version}: \
                 raise `required_version`, or name a newer program."
            ),
            None => format!("{program}, which may run this root, does not understand {feature}."),
        })
    }
}

impl Bound {
    fn version(&self, feature: Feature) -> &Version {
        if feature.gate().is_lasting { &self.ever } else { &self.now }
    }

    fn has(&self, feature: Feature) -> bool {
        feature.since(self.program).is_some_and(|since| *self.version(feature) >= since)
    }
}

//! The structure of a file: bodies of blocks and attributes, with their places.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use cty::Value;
use model::{Diagnostic, Diagnostics, Position, Span};

use crate::expression::Node;
use crate::json::JsonNode;
use crate::lex::{Token, TokenKind};
use crate::literal::{self, NotLiteral};
use crate::{convert_json, parse};

/// The most bytes a file may have: 64 MiB.
pub const MAX_BYTES: usize = 64 << 20;

/// One file.
#[derive(Clone, Debug)]
pub struct File {
    /// Its name, as the user knows it.
    pub name: Arc<str>,
    /// Its text.
    pub text: Arc<str>,
    /// Its outermost body.
    pub body: Body,
    /// Its tokens; empty for JSON.
    pub(crate) tokens: Vec<Token>,
    /// Its bytes, where they are no text.
    bytes: Option<Arc<[u8]>>,
    /// Where its lines start, in bytes, once one asks for a place.
    line_starts: OnceLock<Vec<usize>>,
}

/// What stands between two braces, or in a whole file.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// The attributes, in order.
    pub attributes: Vec<AttributeSyntax>,
    /// The blocks, in order.
    pub blocks: Vec<BlockSyntax>,
}

/// An attribute: `name = expression`.
#[derive(Clone, Debug)]
pub struct AttributeSyntax {
    /// The name.
    pub name: String,
    /// Where name and expression are, in bytes.
    pub range: Range<usize>,
    /// The expression.
    pub expression: Expression,
}

/// A block: `type "label" { … }`.
#[derive(Clone, Debug)]
pub struct BlockSyntax {
    /// The type.
    pub block_type: String,
    /// The labels.
    pub labels: Vec<String>,
    /// Where type and labels are, in bytes.
    pub header: Range<usize>,
    /// Where the whole block is, in bytes.
    pub range: Range<usize>,
    /// What is in it.
    pub body: Body,
}

/// An expression: found, not evaluated. Clones share its tree.
#[derive(Clone)]
pub struct Expression(Arc<Inner>);

enum Inner {
    /// Native syntax, with its tree.
    Native { range: Range<usize>, tree: Tree },
    /// JSON, whose texts are templates; its tree is made where one asks for it.
    Json { value: JsonNode, tree: OnceLock<Tree> },
}

/// A tree, or what is wrong with it.
pub(crate) type Tree = Result<Arc<Node>, Box<Diagnostic>>;

impl Expression {
    /// Makes an expression in native syntax.
    pub(crate) fn of_tree(range: Range<usize>, tree: Tree) -> Self {
        Self(Arc::new(Inner::Native { range, tree }))
    }

    /// Makes an expression of JSON, whose texts are templates.
    pub(crate) fn of_json(value: JsonNode) -> Self {
        Self(Arc::new(Inner::Json { value, tree: OnceLock::new() }))
    }

    /// Gives where it is, in bytes, without blanks and comments around it.
    pub fn range(&self) -> Range<usize> {
        match &*self.0 {
            Inner::Native { range, .. } => range.clone(),
            Inner::Json { value, .. } => value.range(),
        }
    }

    /// Gives what is written in JSON; `None` for native syntax.
    pub fn json(&self) -> Option<&JsonNode> {
        match &*self.0 {
            Inner::Native { .. } => None,
            Inner::Json { value, .. } => Some(value),
        }
    }

    /// Gives its tree; for JSON, as it is made once.
    pub(crate) fn tree(&self, make: impl FnOnce(&JsonNode) -> Tree) -> &Tree {
        match &*self.0 {
            Inner::Native { tree, .. } => tree,
            Inner::Json { value, tree } => tree.get_or_init(|| make(value)),
        }
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Inner::Native { range, .. } => write!(f, "Native({range:?})"),
            Inner::Json { value, .. } => write!(f, "Json({value:?})"),
        }
    }
}

impl Body {
    /// Finds an attribute.
    pub fn attribute(&self, name: &str) -> Option<&AttributeSyntax> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// Finds the blocks of a type.
    pub fn blocks<'b>(&'b self, block_type: &'b str) -> impl Iterator<Item = &'b BlockSyntax> {
        self.blocks.iter().filter(move |block| block.block_type == block_type)
    }
}

impl File {
    /// Reads a file in native syntax, keeping as much of a faulty one as can be told.
    ///
    /// Every mistake is reported, those in expressions included: one of each expression.
    ///
    /// ```
    /// let (file, problems) = hcl::File::parse("main.tf", "resource \"a\" \"b\" {\n  c = [1, 2]\n}\n");
    /// assert!(problems.is_empty());
    /// let block = &file.body.blocks[0];
    /// assert_eq!((block.block_type.as_str(), block.labels.as_slice()), ("resource", &["a".to_owned(), "b".to_owned()][..]));
    /// let value = file.literal(&block.body.attributes[0].expression).map_err(|error| error.reason)?;
    /// assert_eq!(value.to_string(), "[1, 2]");
    /// # Ok::<(), String>(())
    /// ```
    pub fn parse(name: &str, text: &str) -> (Self, Diagnostics) {
        let mut file = Self::empty(name, text);
        let mut diagnostics = Diagnostics::new();
        if let Some(problem) = file.too_large(text.len()) {
            return (file, vec![problem]);
        }
        file.tokens = crate::lex::tokenize(&file.text);
        file.body = parse::parse(&file, &mut diagnostics);
        (file, diagnostics)
    }

    /// Reads a file in native syntax that need not be text: in comments any bytes may stand.
    ///
    /// In [`text`](Self::text), a byte that is no text is a control character, so that all places stay what they are.
    pub fn parse_bytes(name: &str, bytes: &[u8]) -> (Self, Diagnostics) {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Self::parse(name, text);
        }
        let mut text = String::with_capacity(bytes.len());
        let mut broken = Vec::new();
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            broken.extend(text.len()..text.len() + chunk.invalid().len());
            text.extend(chunk.invalid().iter().map(|_| '\u{1a}'));
        }
        let (mut file, mut diagnostics) = Self::parse(name, &text);
        file.bytes = Some(Arc::from(bytes));
        let token_at = |byte: usize| file.tokens.get(file.tokens.partition_point(|token| token.end() <= byte));
        let is_misplaced = |byte: &&usize| token_at(**byte).is_none_or(|token| token.kind != TokenKind::Comment);
        if let Some(first) = broken.iter().find(is_misplaced) {
            diagnostics.retain(|problem| problem.span.as_ref().is_none_or(|span| !broken.contains(&span.start.byte)));
            let detail = format!("The byte {first} of the file is no UTF-8; save the file in this encoding.");
            let problem = Diagnostic::error("invalid-configuration", "Invalid character encoding", detail);
            diagnostics.insert(0, problem.at_span(file.span(&(*first..*first + 1))));
        }
        (file, diagnostics)
    }

    /// Gives the bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_deref().unwrap_or(self.text.as_bytes())
    }

    /// Reads a `.tf.json` file.
    ///
    /// Templates in its texts are not parsed yet: only where a text stands tells whether it is one.
    pub fn parse_json(name: &str, text: &str) -> (Self, Diagnostics) {
        let mut file = Self::empty(name, text);
        let mut diagnostics = Diagnostics::new();
        if let Some(problem) = file.too_large(text.len()) {
            return (file, vec![problem]);
        }
        file.body = convert_json::parse(&file, &mut diagnostics);
        (file, diagnostics)
    }

    /// Makes a file without structure of tokens that are known: one expression, or one template.
    pub(crate) fn of_tokens(name: &str, text: &str, tokens: Vec<Token>) -> Self {
        Self { tokens, ..Self::empty(name, text) }
    }

    fn too_large(&self, n_bytes: usize) -> Option<Diagnostic> {
        (n_bytes > MAX_BYTES).then(|| {
            let detail = format!("The file {} has {n_bytes} bytes; at most {MAX_BYTES} are read.", self.name);
            Diagnostic::error("configuration-too-large", "Configuration file too large", detail)
        })
    }

    fn empty(name: &str, text: &str) -> Self {
        Self {
            name: Arc::from(name),
            text: Arc::from(text),
            body: Body::default(),
            tokens: Vec::new(),
            bytes: None,
            line_starts: OnceLock::new(),
        }
    }

    /// Gives the tokens: every byte of the text is in one. Empty for JSON.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Gives the text of an expression as it is written; for JSON, the expression that a string holds.
    pub fn source(&self, expression: &Expression) -> String {
        match expression.json() {
            None => self.text[expression.range()].to_owned(),
            Some(value) => {
                value.as_str().unwrap_or_else(|| self.text.get(value.range()).unwrap_or_default()).to_owned()
            }
        }
    }

    /// Gives the value of an expression that is a literal.
    ///
    /// Shape: lists are tuples, objects are objects, `null` has no type of its own.
    pub fn literal(&self, expression: &Expression) -> Result<Value, NotLiteral> {
        literal::decode(self, expression)
    }

    /// Gives the place of a range of bytes.
    pub fn span(&self, range: &Range<usize>) -> Span {
        Span { file: Arc::clone(&self.name), start: self.position(range.start), end: self.position(range.end) }
    }

    /// Gives the place of an expression.
    pub fn expression_span(&self, expression: &Expression) -> Span {
        self.span(&expression.range())
    }

    fn position(&self, byte: usize) -> Position {
        let byte = byte.min(self.text.len());
        let line_starts = self
            .line_starts
            .get_or_init(|| std::iter::once(0).chain(self.text.match_indices('\n').map(|(at, _)| at + 1)).collect());
        let line = line_starts.partition_point(|start| *start <= byte);
        let start = line_starts[line - 1];
        let before = self.text.get(start..byte).unwrap_or_default();
        // A byte order mark has no width.
        let column = before.trim_start_matches('\u{feff}').chars().count() + 1;
        Position { line, column, byte }
    }
}

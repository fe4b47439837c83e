//! Prints compositions, near enough to how they are written.

use std::fmt::Write as _;

use drift::adopt::compose::Composition;
use model::draft::{Draft, DraftBody, DraftExpression, DraftImportSource, TemplatePart};

pub(crate) fn composition(composition: &Composition) -> String {
    let mut out = String::new();
    for (place, file) in &composition.files {
        if composition.files.len() > 1 || place.name != "generated.tf" || !place.module.is_root() {
            let _ = writeln!(out, "== {} {}", place.module, place.name);
        }
        for resource in &file.resources {
            draft(resource, &mut out);
        }
    }
    for variable in &composition.variables {
        let declaration = &variable.declaration;
        let sensitive = if declaration.is_sensitive { ", sensitive" } else { "" };
        let _ =
            writeln!(out, "variable {}: {}{sensitive} # {}", declaration.name, declaration.ty, declaration.description);
    }
    for import in &composition.imports {
        if composition.grouped.values().any(|to| *to == import.to) || !import.to.resource.module.is_root() {
            let DraftImportSource::Id(id) = &import.source else { continue };
            let _ = writeln!(out, "import {} {id}", import.to);
        }
    }
    for (from, to) in &composition.grouped {
        let _ = writeln!(out, "{from} -> {to}");
    }
    for (to, reason) in &composition.left_out {
        let _ = writeln!(out, "left out {to}: {reason}");
    }
    out
}

fn draft(draft: &Draft, out: &mut String) {
    for remark in &draft.remarks {
        let _ = writeln!(out, "# {remark}");
    }
    let _ = writeln!(out, "{} {{", draft.address);
    if let Some(for_each) = &draft.for_each {
        let _ = writeln!(out, "  for_each = {}", expression(for_each));
    }
    if let Some(provider) = &draft.provider {
        let _ = writeln!(out, "  provider = {provider}");
    }
    body(&draft.body, 1, out);
    for path in &draft.ignore_changes {
        let _ = writeln!(out, "  ignore {path}");
    }
    out.push_str("}\n");
}

fn body(written: &DraftBody, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    for (name, value) in &written.arguments {
        let _ = writeln!(out, "{indent}{name} = {}", expression(value));
    }
    for block in &written.blocks {
        let label = block.label.as_ref().map(|label| format!(" {label:?}")).unwrap_or_default();
        let _ = writeln!(out, "{indent}{}{label} {{", block.block_type);
        body(&block.body, depth + 1, out);
        let _ = writeln!(out, "{indent}}}");
    }
}

fn expression(written: &DraftExpression) -> String {
    match written {
        DraftExpression::Literal(value) => value.to_string(),
        DraftExpression::Json(inner) => format!("jsonencode({})", expression(inner)),
        DraftExpression::Reference { to, path } => format!("{}.{path}", to),
        DraftExpression::Variable(name) => format!("var.{name}"),
        DraftExpression::EachValue(path) => format!("each.value.{path}"),
        DraftExpression::EachKey => "each.key".to_owned(),
        DraftExpression::Template(parts) => {
            let part = |part: &TemplatePart| match part {
                TemplatePart::Text(text) => text.clone(),
                TemplatePart::Expression(inner) => format!("${{{}}}", expression(inner)),
            };
            format!("\"{}\"", parts.iter().map(part).collect::<String>())
        }
        DraftExpression::List(items) => format!("[{}]", items.iter().map(expression).collect::<Vec<_>>().join(", ")),
        DraftExpression::Object(entries) => {
            let entry = |(key, value): &(String, DraftExpression)| format!("{key} = {}", expression(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        DraftExpression::ToSet(keys) => format!("toset({keys:?})"),
    }
}

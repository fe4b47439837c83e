//! Prints what a plan in JSON holds: `cargo run -p tfstate --example plan -- plan.json`.

use std::error::Error;
use std::io::Write;

use tfstate::PlanDocument;
use tfstate::backend::StateBytes;

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    for path in std::env::args().skip(1) {
        let bytes = StateBytes::from_file(std::fs::File::open(&path)?)?;
        let (document, diagnostics) = PlanDocument::read(&path.as_str().into(), bytes)?;
        for diagnostic in &diagnostics {
            writeln!(out, "{}: {diagnostic}", diagnostic.code)?;
        }
        let Some(document) = document else { continue };
        writeln!(out, "{document:?} {:?}", document.timestamp())?;
        for instance in document.instances() {
            let facets = instance.facets(None)?;
            writeln!(
                out,
                "{} {:?} {:?} recorded={} drift={} {}",
                instance.address().with_deposed(instance.deposed()),
                instance.action(),
                instance.action_reason(),
                instance.is_recorded(),
                facets.recorded != facets.observed,
                instance.provider()
            )?;
            instance.change()?;
            document.configured(&instance.address().resource)?;
        }
        writeln!(
            out,
            "{} variables, {} outputs, {} checks, {} relevant",
            document.variables()?.len(),
            document.output_changes()?.len(),
            document.checks()?.len(),
            document.relevant_attributes()?.len()
        )?;
        document.prior_outputs()?;
    }
    Ok(())
}

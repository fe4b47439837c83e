//! `remediate`: what may be done about each finding, as text for people to review.
//!
//! Nothing is applied and no state is written. What can be a patch of the code is one; what accepts the cloud into the code
//! is proved by the providers' plans before it is called that. Only the working tree is ever written, and only where a
//! request says so.

mod accept;
mod blocks;
mod diff;
mod moves;
mod prove;
mod shown;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ::drift::{DeclaredArguments, DeclaredBlock, Pattern};
use hcl::gates::Feature;
use model::{Diagnostic, Diagnostics, Finding, InstanceAddress, Remedy, RemedyKind, RemedyStatus, Span, Tier};

use self::accept::{Refused, Site, SiteKey};
use self::blocks::{BlockOffer, NewBlock};
use self::moves::Moved;
use self::prove::{Accepted, Prover};
use self::shown::SecretRanges;
use crate::code::{self, Declared};
use crate::drift::{DriftAnswer, DriftRequest, Reach, compare};
use crate::evaluation::RootModule;
use crate::evaluation::stage::Stage;
use crate::{Error, ErrorKind, Session};

/// What this is called in errors.
const OPERATION: &str = "find remedies";
/// Of so many arguments each is proved alone where all of them together are not.
const MAX_ALONE: usize = 64;

/// What stands where a person is to write the reason.
const REASON: &str = "say why";

/// Asks what may be done about findings.
#[derive(Clone, Debug)]
pub struct RemediateRequest {
    /// What is compared.
    pub comparison: DriftRequest,
    /// The addresses of what is asked about; everything where there are none.
    pub addresses: Vec<Pattern>,
    /// The kinds of remedies that are asked for; all where there are none.
    pub kinds: BTreeSet<RemedyKind>,
    /// Whether patches are written into the working tree.
    pub writes: bool,
}

/// A remedy of a finding.
#[derive(Clone, Debug)]
pub struct RemedyOffer {
    /// Which finding it is of: its position in the comparison.
    pub finding: usize,
    /// The remedy.
    pub remedy: Remedy,
    /// How much is known of it.
    pub status: RemedyStatus,
    /// What it does, or why there is none, in sentences.
    pub detail: String,
    /// A command for a person to run; driftmgr never does.
    pub command: Option<String>,
    /// The block that it is.
    pub text: Option<String>,
    /// The file that it patches, relative to the root module.
    pub file: Option<String>,
    /// Where the code says what it is about.
    pub places: Vec<Span>,
}

/// A file that remedies patch.
#[derive(Clone, Debug)]
pub struct PatchedFile {
    /// Its path, relative to the root module.
    pub name: String,
    /// Whether there is no such file yet.
    pub is_new: bool,
    /// What changes, as a unified diff; or why it is not shown, as a sentence.
    pub diff: Result<String, String>,
    /// Whether it was written; `None` where that was not asked for, else why it was not, as a sentence.
    pub written: Option<Result<(), String>>,
}

/// What may be done.
#[derive(Debug)]
pub struct RemediateAnswer {
    /// What was compared.
    pub comparison: DriftAnswer,
    /// How many findings were asked about.
    pub n_findings: usize,
    /// The remedies, in the order of the findings.
    pub offers: Vec<RemedyOffer>,
    /// The files that they patch.
    pub files: Vec<PatchedFile>,
    /// Problems met on the way that the answer survived.
    pub diagnostics: Diagnostics,
}

impl RemediateAnswer {
    /// Tells whether a file was to be written and was not.
    pub fn has_unwritten(&self) -> bool {
        self.files.iter().any(|file| matches!(file.written, Some(Err(_))))
    }
}

/// Compares, finds what may be done about each finding, proves what can be proved, and writes where that was asked for.
///
/// # Errors
///
/// As [`crate::drift()`]; and where there is no code, without which nothing can be done.
pub async fn remediate(session: &Session, request: &RemediateRequest) -> Result<RemediateAnswer, Error> {
    let module = RootModule::opened(session, &request.comparison.states).await;
    let module = module.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, OPERATION, "There is no configuration in this folder: it has no .tf files.")
            .with_help("Name the folder of the root module with --dir.")
    })?;
    let (comparison, states) = compare(session, &request.comparison, Reach::Recorded, Some(&module)).await?;
    let (declared, _) = {
        let (module, states) = (Arc::clone(&module), Arc::clone(&states));
        let read = tokio::task::spawn_blocking(move || code::declared(&module, &states.recorded)).await;
        read.map_err(|source| {
            Error::new(ErrorKind::Unavailable, OPERATION, "The evaluation ended early.").with_source(source)
        })?
    };
    let mut work = Work {
        session,
        request,
        module: &module,
        declared: &declared,
        refusals: BTreeMap::new(),
        offers: Vec::new(),
        blocks: Vec::new(),
        candidates: Vec::new(),
    };
    let mut n_findings = 0;
    for (position, finding) in comparison.verdict.findings.iter().enumerate() {
        if work.is_asked_about(finding) {
            n_findings += 1;
            work.offer_all(position, finding).await;
        }
    }
    let mut diagnostics = unmatched(&request.addresses, &comparison.verdict.findings);
    let asks_moved = request.kinds.is_empty() || request.kinds.contains(&RemedyKind::Moved);
    let asked_about: Vec<&Finding> = if asks_moved {
        comparison.verdict.findings.iter().filter(|finding| work.is_asked_about(finding)).collect()
    } else {
        Vec::new()
    };
    let recorded = states.recorded.iter().map(|instance| declared.current(&instance.address).clone()).collect();
    let pairs = moves::pairs(&module, &asked_about, &recorded);
    let (mut texts, mut secret_ranges) = (BTreeMap::new(), SecretRanges::new());
    if !work.candidates.is_empty() || !pairs.is_empty() {
        session.phase("proving what would accept the cloud into the code");
        let stage = Stage::open(session, &module, Some(&states));
        let moved = moves::prove(&module, &stage, pairs).await;
        work.offer_moves(&comparison.verdict.findings, moved).await;
        (texts, secret_ranges) = work.accept(stage, &mut diagnostics).await;
    }
    if session.cancel.is_cancelled() {
        return Err(Error::cancelled(OPERATION));
    }
    work.add_blocks(&mut texts);
    let Work { mut offers, .. } = work;
    let files = shown::patched(&module, &texts, &secret_ranges, request.writes);
    for file in &files {
        if let Some(Err(reason)) = &file.written {
            let problem = Diagnostic::error("not-patched", "A file was not written", reason.clone());
            diagnostics.push(problem);
        }
    }
    offers.sort_by_key(|offer| offer.finding);
    Ok(RemediateAnswer { comparison, n_findings, offers, files, diagnostics })
}

/// Warns of addresses at which nothing was found.
fn unmatched(addresses: &[Pattern], findings: &[Finding]) -> Diagnostics {
    let missing = addresses.iter().filter(|pattern| !findings.iter().any(|finding| matches(pattern, finding)));
    missing
        .map(|pattern| {
            let detail = format!("Nothing was found at {pattern}: it does not differ, or could not be looked at.");
            Diagnostic::warning("nothing-to-remedy", "Nothing to do at an address", detail)
        })
        .collect()
}

fn matches(pattern: &Pattern, finding: &Finding) -> bool {
    finding
        .address
        .as_ref()
        .is_some_and(|address| pattern.matches(&address.to_string()) || pattern.matches(&address.resource.to_string()))
}

/// Something that the code is to take over.
struct Candidate {
    /// Its offer.
    offer: usize,
    accepted: Accepted,
}

struct Work<'a> {
    session: &'a Session,
    request: &'a RemediateRequest,
    module: &'a Arc<RootModule>,
    declared: &'a Declared,
    /// Why features of the language may not be used.
    refusals: BTreeMap<Feature, Option<String>>,
    offers: Vec<RemedyOffer>,
    /// Blocks to be written, each with its offer.
    blocks: Vec<(usize, NewBlock)>,
    candidates: Vec<Candidate>,
}

impl Work<'_> {
    fn is_asked_about(&self, finding: &Finding) -> bool {
        let addresses = &self.request.addresses;
        finding.ignored.is_none()
            && finding.folded.is_none()
            && (addresses.is_empty() || addresses.iter().any(|pattern| matches(pattern, finding)))
    }

    fn offer_of(finding: usize, of: &Finding, remedy: Remedy) -> RemedyOffer {
        RemedyOffer {
            finding,
            remedy,
            status: RemedyStatus::Offered,
            detail: String::new(),
            command: None,
            text: None,
            file: None,
            places: of.source.clone().into_iter().collect(),
        }
    }

    async fn offer_all(&mut self, position: usize, finding: &Finding) {
        let program = program(finding);
        let entry = finding.fails.then(|| Remedy::Baseline { fingerprint: finding.fingerprint.clone() });
        for remedy in finding.remedies.iter().chain(&entry) {
            let kinds = &self.request.kinds;
            if !kinds.is_empty() && !kinds.contains(&remedy.kind()) {
                continue;
            }
            let mut offer = Self::offer_of(position, finding, remedy.clone());
            match remedy {
                Remedy::Apply { address } => {
                    offer.detail = reverts(finding, address);
                    offer.command = Some(format!("{program} apply"));
                }
                Remedy::Refresh { .. } => {
                    let detail = "The code says already what the cloud holds: only the state is to take it over.";
                    detail.clone_into(&mut offer.detail);
                    offer.command = Some(format!("{program} apply -refresh-only"));
                }
                Remedy::Baseline { .. } => self.offer_entry(&mut offer, finding),
                Remedy::UpdateCode { address, path, value } => {
                    offer.status = RemedyStatus::Refused;
                    let address = self.declared.current(address).clone();
                    let accepted = Accepted { address, path: path.clone(), value: value.clone() };
                    self.candidates.push(Candidate { offer: self.offers.len(), accepted });
                }
                Remedy::Forget { .. } | Remedy::Import { .. } | Remedy::Move { .. } => {
                    self.offer_block(&mut offer, finding, program).await;
                }
            }
            self.offers.push(offer);
        }
    }

    /// Offers an entry that says why a finding is as it should be.
    fn offer_entry(&self, offer: &mut RemedyOffer, finding: &Finding) {
        let fail_on = &self.request.comparison.options.fail_on;
        let generated = ::drift::ignore::generate(std::slice::from_ref(finding), fail_on, REASON, None, None);
        let is_written =
            |address: &&InstanceAddress| matches!(self.declared.block(&address.resource), DeclaredBlock::Present(_));
        let block = finding.address.as_ref().filter(is_written);
        let dir = self.request.comparison.states.dir.as_ref().map(|dir| {
            let dir = dir.to_string_lossy();
            format!("--dir {} ", blocks::quoted(&dir))
        });
        offer.command = finding.address.as_ref().filter(|_| generated.n_left_out == 0).map(|address| {
            format!(
                "driftmgr baseline add {}{} --approver NAME --reason {}",
                dir.unwrap_or_default(),
                blocks::quoted(&address.to_string()),
                blocks::quoted(REASON)
            )
        });
        match (block, generated.comments.into_iter().next()) {
            _ if generated.n_left_out > 0 => {
                offer.status = RemedyStatus::Refused;
                "What it is known by may be a secret, and no entry names one.".clone_into(&mut offer.detail);
            }
            (Some(address), Some((_, comment))) => {
                offer.detail = format!(
                    "It is as it should be: with this line above the block of {}, and the true reason in it, it is \
                     ignored; or record it in the baseline.",
                    address.resource
                );
                offer.text = Some(comment);
            }
            _ => {
                offer.detail = format!(
                    "It is as it should be: with this rule in {}, and the true reason in it, it is ignored; or record it in \
                     the baseline.",
                    ::drift::ignore::FILE_NAME
                );
                offer.text = Some(generated.file);
            }
        }
    }

    async fn offer_block(&mut self, offer: &mut RemedyOffer, finding: &Finding, program: &str) {
        if let Some(feature) = blocks::feature(&offer.remedy) {
            if !self.refusals.contains_key(&feature) {
                let root = Some(self.module.directory());
                let refusal = crate::adopt::identity::refusal(self.session, root, feature).await;
                self.refusals.insert(feature, refusal);
            }
            if let Some(Some(reason)) = self.refusals.get(&feature) {
                offer.status = RemedyStatus::Refused;
                offer.detail.clone_from(reason);
                return;
            }
        }
        match blocks::offer(&offer.remedy, finding, self.declared, program) {
            BlockOffer::Write(block, detail) => {
                (offer.text, offer.detail) = (Some(block.text.clone()), detail);
                offer.file = Some(block.file.to_owned());
                self.blocks.push((self.offers.len(), block));
            }
            BlockOffer::Show(text, detail) => (offer.text, offer.detail) = (Some(text), detail),
            BlockOffer::Refuse(detail, command) => {
                (offer.status, offer.detail, offer.command) = (RemedyStatus::Refused, detail, command);
            }
        }
    }

    /// Offers what has moved, in the place of forgetting it.
    async fn offer_moves(&mut self, findings: &[Finding], moved: Vec<Moved>) {
        for moved in moved {
            let is_it = |finding: &Finding| finding.address.as_ref() == Some(&moved.from) && finding.deposed.is_none();
            let Some(position) = findings.iter().position(is_it) else { continue };
            let mut offer = Self::offer_of(position, &findings[position], moves::remedy(&moved));
            self.offer_block(&mut offer, &findings[position], program(&findings[position])).await;
            if offer.status == RemedyStatus::Refused {
                self.offers.push(offer);
                continue;
            }
            offer.status = RemedyStatus::Proved;
            offer.detail = format!("{} With the block the provider has nothing to do.", offer.detail);
            for (number, other) in self.offers.iter_mut().enumerate() {
                if other.finding == position && matches!(other.remedy, Remedy::Forget { .. }) {
                    self.blocks.retain(|(owner, _)| *owner != number);
                    other.status = RemedyStatus::Refused;
                    (other.text, other.file) = (None, None);
                    other.detail = format!("It has moved to {}.", moved.to);
                }
            }
            self.offers.push(offer);
        }
    }

    /// Finds where what is to be accepted stands, and proves what can be; gives the new text of each file.
    async fn accept(
        &mut self,
        stage: Stage,
        diagnostics: &mut Diagnostics,
    ) -> (BTreeMap<String, String>, SecretRanges) {
        let candidates = std::mem::take(&mut self.candidates);
        let mut found: Vec<(Candidate, Site)> = Vec::new();
        for candidate in candidates {
            match self.site(&stage, &candidate.accepted).await {
                Ok(site) => {
                    let offer = &mut self.offers[candidate.offer];
                    offer.file = Some(site.file.name.to_string());
                    offer.places = vec![site.span.clone()];
                    found.push((candidate, site));
                }
                Err(Refused { reason, places }) => self.refuse(candidate.offer, reason, places),
            }
        }
        let mut prover = Prover::new(self.module, stage);
        let proved = self.prove_all(&mut prover, &found).await;
        let kept: Vec<(&Site, &Accepted)> = found
            .iter()
            .filter(|(_, site)| proved.contains(&site.key()))
            .map(|(candidate, site)| (site, &candidate.accepted))
            .collect();
        for (candidate, _) in found.iter().filter(|(_, site)| proved.contains(&site.key())) {
            let offer = &mut self.offers[candidate.offer];
            offer.status = RemedyStatus::Proved;
            offer.detail = format!(
                "With the patch the provider leaves {} of {} alone, and plans nothing else otherwise.",
                candidate.accepted.path, candidate.accepted.address
            );
        }
        let texts = accept::patch(&kept).unwrap_or_default();
        let names: BTreeSet<&str> = texts.keys().map(String::as_str).collect();
        let secret_ranges = shown::secret_ranges(self.module, prover.stage(), &names).await;
        diagnostics.extend(prover.into_stage().shutdown().await);
        (texts, secret_ranges)
    }

    fn refuse(&mut self, offer: usize, reason: String, places: Vec<Span>) {
        let offer = &mut self.offers[offer];
        (offer.status, offer.detail, offer.file) = (RemedyStatus::Refused, reason, None);
        if !places.is_empty() {
            offer.places = places;
        }
    }

    async fn site(&self, stage: &Stage, accepted: &Accepted) -> Result<Site, Refused> {
        let refused = |reason: String| Refused { reason, places: Vec::new() };
        let schema = shown::schema_of(self.module, stage, &accepted.address).await.map_err(refused)?;
        let (accepted, data_folder) = (accepted.clone(), self.module.data_folder().to_owned());
        let found = stage.settled(move |root| accept::site(root, &accepted, &schema, &data_folder)).await;
        found.unwrap_or_else(|| Err(refused("It was stopped before it was done.".to_owned())))
    }

    /// Proves everything together; where that does not do, one argument after the other.
    async fn prove_all(&mut self, prover: &mut Prover, found: &[(Candidate, Site)]) -> BTreeSet<SiteKey> {
        let mut left: BTreeSet<SiteKey> = found.iter().map(|(_, site)| site.key()).collect();
        // What contradicts itself goes first.
        loop {
            match accept::patch(&of(found, &left)) {
                Ok(_) => break,
                Err(problems) => {
                    for (key, reason) in problems {
                        left.remove(&key);
                        self.refuse_site(found, &key, &reason);
                    }
                }
            }
        }
        if left.is_empty() || self.try_prove(prover, found, &left).await.is_ok() {
            return left;
        }
        let mut proved = BTreeSet::new();
        for (n_tried, key) in left.iter().enumerate() {
            if n_tried >= MAX_ALONE || self.session.cancel.is_cancelled() {
                let reason = "Not everything together can be accepted, and there is too much to try each alone: name \
                              addresses.";
                self.refuse_site(found, key, reason);
                continue;
            }
            let mut tried: BTreeSet<SiteKey> = proved.clone();
            tried.insert(key.clone());
            match self.try_prove(prover, found, &tried).await {
                Ok(()) => proved = tried,
                Err(reason) => self.refuse_site(found, key, &reason),
            }
        }
        proved
    }

    async fn try_prove(
        &self,
        prover: &mut Prover,
        found: &[(Candidate, Site)],
        keys: &BTreeSet<SiteKey>,
    ) -> Result<(), String> {
        let changes = of(found, keys);
        let files = accept::patch(&changes).map_err(|_| "The edits contradict each other.".to_owned())?;
        let accepted: Vec<&Accepted> = changes.iter().map(|(_, accepted)| *accepted).collect();
        prover.prove(&files, &accepted).await
    }

    fn refuse_site(&mut self, found: &[(Candidate, Site)], key: &SiteKey, reason: &str) {
        for (candidate, _) in found.iter().filter(|(_, site)| site.key() == *key) {
            self.refuse(candidate.offer, format!("It is not proved. {}", capitalized(reason)), Vec::new());
        }
    }

    /// Adds the blocks to the texts of their files.
    fn add_blocks(&mut self, texts: &mut BTreeMap<String, String>) {
        let blocks: Vec<NewBlock> = self.blocks.iter().map(|(_, block)| block.clone()).collect();
        for (name, written) in blocks::write(self.module, texts, &blocks) {
            let checked = written.and_then(|text| match self.mistake(&name, &text) {
                None => Ok(text),
                Some(problem) => Err(problem),
            });
            match checked {
                Ok(text) => drop(texts.insert(name, text)),
                Err(reason) => {
                    for (offer, _) in self.blocks.iter().filter(|(_, block)| block.file == name) {
                        let offer = &mut self.offers[*offer];
                        (offer.file, offer.detail) = (None, format!("{} It is not written: {reason}", offer.detail));
                    }
                }
            }
        }
    }

    /// Says what mistake a file brings into the code.
    fn mistake(&self, name: &str, text: &str) -> Option<String> {
        let problems = |module: &RootModule| {
            let (_, moves) = module.configuration().moves();
            let (_, removals) = module.configuration().removals();
            module
                .code_problems()
                .iter()
                .cloned()
                .chain(moves)
                .chain(removals)
                .map(|it| it.detail)
                .collect::<BTreeSet<_>>()
        };
        let after = self.module.with_files([(name, text.to_owned())]);
        problems(&after).difference(&problems(self.module)).next().cloned()
    }
}

fn of<'f>(found: &'f [(Candidate, Site)], keys: &BTreeSet<SiteKey>) -> Vec<(&'f Site, &'f Accepted)> {
    let kept = found.iter().filter(|(_, site)| keys.contains(&site.key()));
    kept.map(|(candidate, site)| (site, &candidate.accepted)).collect()
}

/// Says which program a state belongs to.
fn program(finding: &Finding) -> &'static str {
    let is_of_opentofu =
        finding.provider.as_ref().is_some_and(|provider| provider.to_string().contains("opentofu.org"));
    if is_of_opentofu { "tofu" } else { "terraform" }
}

/// Says what an apply does about a finding.
fn reverts(finding: &Finding, address: &InstanceAddress) -> String {
    if finding.deposed.is_some() {
        return format!("The next apply forgets the deposed object of {address}, which is gone.");
    }
    let is_written = |tier: Tier| matches!(tier, Tier::Declared | Tier::Unclassified);
    let changed = finding.attributes.iter().filter(|difference| is_written(difference.tier));
    let paths: Vec<String> = changed.map(|difference| difference.path.to_string()).collect();
    match paths.as_slice() {
        [] => format!("The next apply makes {address} again."),
        [path] => format!("The next apply brings {path} of {address} back to what the code says."),
        paths => {
            let n_more = paths.len().saturating_sub(5);
            let more = if n_more > 0 { format!(" and {n_more} more") } else { String::new() };
            let shown = paths.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
            format!(
                "The next apply brings {} attributes of {address} back to what the code says: {shown}{more}.",
                paths.len()
            )
        }
    }
}

fn capitalized(clause: &str) -> String {
    let mut chars = clause.chars();
    // Addresses stay as they are.
    match chars.next().filter(|_| clause.split(' ').next().is_some_and(|word| !word.contains(['.', '[']))) {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => clause.to_owned(),
    }
}

//! One page of a bucket's listing.

use quick_xml::Reader;
use quick_xml::events::Event;

pub(super) struct Page {
    pub(super) keys: Vec<String>,
    /// What to ask with for the next page.
    pub(super) next: Option<String>,
}

/// Reads a `ListBucketResult` whose keys are URL-encoded; `None` where it is none.
pub(super) fn parse(body: &[u8]) -> Option<Page> {
    let mut reader = Reader::from_reader(body);
    let mut page = Page { keys: Vec::new(), next: None };
    let mut path: Vec<Vec<u8>> = Vec::new();
    let mut text = String::new();
    let mut is_truncated = false;
    let mut is_listing = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                path.push(start.local_name().as_ref().to_vec());
                text.clear();
            }
            Event::Text(piece) => text.push_str(&piece.decode().ok()?),
            Event::End(_) => {
                match path.iter().map(Vec::as_slice).collect::<Vec<_>>().as_slice() {
                    [b"ListBucketResult"] => is_listing = true,
                    [b"ListBucketResult", b"Contents", b"Key"] => page.keys.push(decode(text.trim())?),
                    [b"ListBucketResult", b"NextContinuationToken"] => page.next = Some(text.trim().to_owned()),
                    [b"ListBucketResult", b"IsTruncated"] => is_truncated = text.trim() == "true",
                    _ => {}
                }
                path.pop();
                text.clear();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if !is_truncated {
        page.next = None;
    }
    is_listing.then_some(page)
}

fn decode(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_encoding::percent_decode_str(&text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read() {
        let body = b"<?xml version=\"1.0\"?><ListBucketResult xmlns=\"x\"><Prefix><Key>no</Key></Prefix>\
            <IsTruncated>true</IsTruncated><Contents><Key>env%3A/a+b%2Bc/k</Key><Size>1</Size></Contents>\
            <NextContinuationToken>t/+=</NextContinuationToken></ListBucketResult>";
        let page = parse(body).unwrap();
        assert_eq!(page.keys, ["env:/a b+c/k"]);
        assert_eq!(page.next.as_deref(), Some("t/+="));
        assert!(parse(b"<html></html>").is_none());
        assert!(parse(b"<ListBucketResult><Contents>").is_none());
    }
}

//! Filters the two generated lists of the AWS provider: text in, text out.

use std::collections::BTreeSet;

/// Keeps the lines of `service_packages_gen.go` that import or list one of the services, and all other lines.
pub(super) fn service_packages(text: &str, module: &str, services: &BTreeSet<&str>) -> String {
    let prefix = format!("\t\"{module}/internal/service/");
    text.split_inclusive('\n')
        .filter(|line| {
            let imported = line.strip_prefix(&prefix).and_then(|rest| rest.trim_end().strip_suffix('"'));
            let listed = line.trim().strip_suffix(".ServicePackage(ctx),");
            imported.or(listed).is_none_or(|service| services.contains(service))
        })
        .collect()
}

/// Keeps the methods of `awsclient_gen.go` that are called, and the imports that those need.
pub(super) fn clients(text: &str, called: &BTreeSet<String>) -> String {
    let mut kept = String::new();
    let mut packages = BTreeSet::new();
    let mut blocks = text.split_inclusive("\n}\n");
    let mut head = "";
    if let Some(first) = blocks.next() {
        let split = first.find("\nfunc ").map_or(first.len(), |position| position + 1);
        head = &first[..split];
        keep_method(&first[split..], called, &mut kept, &mut packages);
    }
    for block in blocks {
        keep_method(block, called, &mut kept, &mut packages);
    }
    let mut reduced: String = head
        .split_inclusive('\n')
        .filter(|line| imported_service(line).is_none_or(|service| packages.contains(service)))
        .collect();
    reduced.push_str(&kept);
    reduced
}

fn keep_method<'a>(block: &'a str, called: &BTreeSet<String>, kept: &mut String, packages: &mut BTreeSet<&'a str>) {
    let Some((_, signature)) = block.split_once("func (c *AWSClient) ") else {
        kept.push_str(block);
        return;
    };
    if signature.split_once('(').is_some_and(|(name, _)| called.contains(name)) {
        kept.push_str(block);
        if let Some((_, package)) = signature.split_once('*') {
            packages.insert(package.split('.').next().unwrap_or_default());
        }
    }
}

/// Returns the name under which a line imports a service of the SDK.
fn imported_service(line: &str) -> Option<&str> {
    let (alias, path) = line.trim_end().strip_suffix('"')?.split_once('"')?;
    let package = path.strip_prefix("github.com/aws/aws-sdk-go-v2/service/")?;
    Some(if alias.trim().is_empty() { package } else { alias.trim() })
}

/// Returns the names of the methods in a Go file that end in `Client` and are called.
pub(super) fn client_calls(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("Client(").filter_map(|(position, _)| {
        let end = position + "Client".len();
        let start = text[..position]
            .rfind(|character: char| !character.is_ascii_alphanumeric() && character != '_')
            .filter(|&start| text.as_bytes()[start] == b'.')?;
        Some(&text[start + 1..end])
    })
}

/// Returns the packages below the module's root that a Go file imports.
pub(super) fn imports_below<'a>(text: &'a str, module: &str) -> impl Iterator<Item = &'a str> {
    let prefix = format!("\"{module}/");
    // Annotations in comments quote packages as well, followed by more.
    text.lines().filter(|line| !line.trim_start().starts_with("//")).filter_map(move |line| {
        let start = line.find(&prefix)? + prefix.len();
        line[start..].trim_end().strip_suffix('"')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_packages_keep_what_is_named_and_everything_that_is_no_service() {
        let text = "import (\n\t\"m/internal/conns\"\n\t\"m/internal/service/ec2\"\n\t\"m/internal/service/waf\"\n)\n\
                    \tv := []T{\n\t\tec2.ServicePackage(ctx),\n\t\twaf.ServicePackage(ctx),\n\t}\n";
        let reduced = service_packages(text, "m", &BTreeSet::from(["ec2"]));
        assert_eq!(
            reduced,
            "import (\n\t\"m/internal/conns\"\n\t\"m/internal/service/ec2\"\n)\n\
             \tv := []T{\n\t\tec2.ServicePackage(ctx),\n\t}\n"
        );
    }

    #[test]
    fn clients_keep_called_methods_with_their_imports() {
        let text = "import (\n\t\"context\"\n\t\"github.com/aws/aws-sdk-go-v2/service/ec2\"\n\
                    \tlogs \"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs\"\n\
                    \t\"github.com/aws/aws-sdk-go-v2/service/waf\"\n)\n\n\
                    func (c *AWSClient) EC2Client(ctx context.Context) *ec2.Client {\n\treturn 1\n}\n\n\
                    func (c *AWSClient) WAFClient(ctx context.Context) *waf.Client {\n\treturn 2\n}\n\n\
                    func (c *AWSClient) LogsClient(ctx context.Context) *logs.Client {\n\treturn 3\n}\n";
        let called = BTreeSet::from(["EC2Client".to_owned(), "LogsClient".to_owned()]);
        let reduced = clients(text, &called);
        assert!(reduced.contains("EC2Client") && reduced.contains("LogsClient"), "{reduced}");
        assert!(reduced.contains("service/ec2\"") && reduced.contains("service/cloudwatchlogs\""), "{reduced}");
        assert!(!reduced.contains("WAF") && !reduced.contains("service/waf"), "{reduced}");
    }

    #[test]
    fn calls_and_imports_are_found_in_go_files() {
        let text = "import (\n\ttags \"m/internal/tags\"\n\t// @Test(kind=\"m/internal/tags;tags.Kind\")\n\t\"m/names\"\n\t\"other/names\"\n)\n\
                    conn := meta.(*conns.AWSClient).S3Client(ctx); x := NewClient(1); y := c.IAMClient(ctx)\n";
        assert_eq!(client_calls(text).collect::<Vec<_>>(), ["S3Client", "IAMClient"]);
        assert_eq!(imports_below(text, "m").collect::<Vec<_>>(), ["internal/tags", "names"]);
    }
}

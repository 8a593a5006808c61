//! Whether links in the documentation lead somewhere: relative ones, to files and to headings. Addresses elsewhere are not asked.

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders in which nothing is ours.
const SKIPPED: [&str; 3] = ["target", "node_modules", ".git"];

/// What is said when all is well.
type Outcome = Result<String, Box<dyn Error>>;

/// Looks at every `*.md` of the repository.
///
/// # Errors
/// Links that lead nowhere, one a line: file, line, link, what is missing. A file that cannot be read.
pub fn check() -> Outcome {
    check_in(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new(".")))
}

/// Looks at every `*.md` in a folder.
///
/// # Errors
/// As [`check`].
pub fn check_in(root: &Path) -> Outcome {
    let mut pages = HashMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && !SKIPPED.contains(&name.as_str()) {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let page = Page::read(&fs::read_to_string(&path)?);
                pages.insert(path, page);
            }
        }
    }
    let mut wrong = BTreeSet::new();
    let mut seen = 0;
    for (path, page) in &pages {
        for (line, link) in &page.links {
            seen += 1;
            if let Some(missing) = missing(&pages, path, page, link) {
                let path = path.strip_prefix(root).unwrap_or(path);
                wrong.insert(format!("{}:{line}: {link}: {missing}", path.display()));
            }
        }
    }
    if wrong.is_empty() {
        return Ok(format!("{seen} links in {} files lead somewhere", pages.len()));
    }
    let mut text = format!("{} links lead nowhere", wrong.len());
    for line in wrong {
        let _ = write!(text, "\n  {line}");
    }
    Err(text.into())
}

/// What a link misses; `None`: nothing.
fn missing(pages: &HashMap<PathBuf, Page>, from: &Path, page: &Page, link: &str) -> Option<&'static str> {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let (target, path) = if file.is_empty() {
        (Some(page), from.to_owned())
    } else {
        let path = plain(&from.parent()?.join(file));
        (pages.get(&path), path)
    };
    if !path.exists() {
        return Some("there is no such file");
    }
    (!anchor.is_empty() && !target.is_none_or(|page| page.anchors.contains(anchor)))
        .then_some("there is no such heading")
}

/// The path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => drop(plain.pop()),
            std::path::Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// What a page has.
#[derive(Debug, Default, PartialEq)]
struct Page {
    /// Relative links, with their lines from 1.
    links: Vec<(usize, String)>,
    /// Its headings, as forges name them in addresses.
    anchors: BTreeSet<String>,
}

impl Page {
    fn read(text: &str) -> Self {
        let mut page = Self::default();
        let mut is_code = false;
        for (number, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                is_code = !is_code;
            } else if !is_code {
                if let Some(heading) = line.strip_prefix('#') {
                    page.add_anchor(heading.trim_start_matches('#').trim());
                }
                page.links.extend(links(&without_code(line)).map(|link| (number + 1, link)));
            }
        }
        page
    }

    fn add_anchor(&mut self, heading: &str) {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let name: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>().to_lowercase();
        let again = (1..).map(|count| format!("{name}-{count}"));
        let free = std::iter::once(name.clone()).chain(again).find(|name| !self.anchors.contains(name));
        self.anchors.extend(free);
    }
}

/// A line without what stands between backticks, which is shown and not followed.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("")
}

/// The relative targets of a line's links, without titles behind them.
fn links(line: &str) -> impl Iterator<Item = String> + '_ {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let targets = targets.map(|target| target.split(' ').next().unwrap_or_default());
    targets.filter(|target| !target.contains(':') && !target.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_of_the_documentation_leads_somewhere() {
        if let Err(error) = check() {
            panic!("{error}");
        }
    }

    #[test]
    fn what_leads_nowhere_is_named_with_its_place() {
        let root = std::env::temp_dir().join(format!("leveret-links-{}", std::process::id()));
        fs::create_dir_all(root.join("a")).unwrap();
        let text = "# Top\n[x](../b.md#two-words) [y](#top)\n[z](c.md), [w](../b.md#no)\n";
        fs::write(root.join("a/a.md"), text).unwrap();
        fs::write(root.join("b.md"), "## Two words!\n").unwrap();
        let told = check_in(&root).unwrap_err().to_string();
        fs::remove_dir_all(&root).unwrap();
        let wanted = "2 links lead nowhere\n  a/a.md:3: ../b.md#no: there is no such heading\n  \
                      a/a.md:3: c.md: there is no such file";
        assert_eq!(told, wanted);
    }

    #[test]
    fn code_and_addresses_are_no_links_of_ours() {
        let page = Page::read(
            "[a](https://x.y) `[b](b)` [c](c.md \"title\")\n```\n[d](d)\n# e\n```\n# F g\n## F g\n",
        );
        assert_eq!(page.links, [(1, "c.md".to_owned())]);
        assert_eq!(page.anchors, ["f-g", "f-g-1"].map(str::to_owned).into());
    }
}

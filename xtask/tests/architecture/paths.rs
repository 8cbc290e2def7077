//! The paths in a Rust file that lead to a module of ours: `crate::`, `self::`, `super::`
//! and `portcullis_…::`, in `use` (groups flattened) or inline, in macros too. What is
//! compiled for tests only is left out. The file is read as tokens, so that nothing in a
//! comment or in a string counts.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

/// Where a path starts: this crate's root, or another crate of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// The crate's own root; `self` and `super` are resolved.
    Root,
    /// A crate of the workspace, by its name in code.
    Crate(String),
}

/// A path as it is used somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Where it starts.
    pub start: Start,
    /// The names that follow, as far as they are written.
    pub names: Vec<String>,
    /// The line, from 1.
    pub line: usize,
}

/// What a file holds.
#[derive(Debug, Default)]
pub struct Content {
    /// Its paths, in order.
    pub paths: Vec<Path>,
    /// Modules in files of their own that are compiled for tests only.
    pub tests: Vec<TestFile>,
    /// What the root takes from elsewhere, under the name that it has there: `use
    /// http::Trust` is `Trust`, `["http", "Trust"]`.
    pub exports: Vec<(String, Vec<String>)>,
    /// All identifiers, with their lines; in tests too.
    pub identifiers: Vec<(String, usize)>,
}

/// A module of tests in a file of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestFile {
    /// `mod tests;`: beside the other modules of the file.
    Module(String),
    /// `#[path = "ending_tests.rs"] mod tests;`: beside the file.
    Beside(String),
}

/// Reads a file whose module is `module` (empty for a crate's root).
pub fn read(text: &str, module: &[String]) -> Content {
    let tokens: TokenStream = text.parse().expect("a Rust file");
    let mut content = Content::default();
    identifiers(tokens.clone(), &mut content.identifiers);
    let mut reader = Reader { module: module.to_vec(), content };
    reader.items(&tokens.into_iter().collect::<Vec<_>>());
    reader.content
}

fn identifiers(tokens: TokenStream, found: &mut Vec<(String, usize)>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => found.push((ident.to_string(), line(&ident))),
            TokenTree::Group(group) => identifiers(group.stream(), found),
            _ => {}
        }
    }
}

fn line(ident: &Ident) -> usize {
    ident.span().start().line
}

struct Reader {
    /// The module that is being read.
    module: Vec<String>,
    content: Content,
}

impl Reader {
    fn items(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        while at < tokens.len() {
            at = self.item(tokens, at);
        }
    }

    /// Reads what starts at a token; where the next one starts.
    fn item(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        if let Some(end) = test_only(tokens, at) {
            self.test_module(&tokens[at..end]);
            return end;
        }
        match &tokens[at] {
            TokenTree::Group(group) => {
                self.items(&group.stream().into_iter().collect::<Vec<_>>());
            }
            TokenTree::Ident(word) if word == "use" => return self.use_tree(tokens, at + 1),
            TokenTree::Ident(word) if word == "mod" => {
                if let [TokenTree::Ident(name), TokenTree::Group(body), ..] = &tokens[at + 1..] {
                    self.module.push(name.to_string());
                    self.items(&body.stream().into_iter().collect::<Vec<_>>());
                    self.module.pop();
                    return at + 3;
                }
            }
            TokenTree::Ident(word) if is_start(word) && leads_on(tokens, at + 1) => {
                // `clients::portcullis::run` goes on; `::portcullis_core::plan` starts.
                let goes_on = at > 2
                    && leads_on(tokens, at - 2)
                    && matches!(tokens[at - 3], TokenTree::Ident(_));
                if !goes_on {
                    let mut flat = Vec::new();
                    let end = tree(tokens, at, &[], &mut flat);
                    flat.into_iter().for_each(|leaf| self.keep(leaf));
                    return end;
                }
            }
            _ => {}
        }
        at + 1
    }

    /// A `use`, whose leaves are paths; those of the root are also other names for what is
    /// in rooms.
    fn use_tree(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let is_end = |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == ';');
        let end = tokens[at..].iter().position(is_end).map_or(tokens.len(), |more| at + more);
        let mut flat = Vec::new();
        branches(&tokens[at..end], &[], &mut flat);
        for leaf in flat {
            if self.module.is_empty() {
                let names = leaf.names.iter().map(Ident::to_string);
                let names = names.filter(|name| name != "crate" && name != "self").collect();
                self.content.exports.push((leaf.known_as(), names));
            }
            self.keep(leaf);
        }
        end
    }

    fn keep(&mut self, leaf: Leaf) {
        let line = line(&leaf.names[0]);
        let mut names = leaf.names.iter().map(Ident::to_string).peekable();
        let mut base = self.module.clone();
        let start = match names.peek().map(String::as_str) {
            Some("self" | "super") => {
                while let Some(word) = names.next_if(|name| name == "self" || name == "super") {
                    if word == "super" {
                        base.pop();
                    }
                }
                Start::Root
            }
            Some("crate") => {
                names.next();
                base.clear();
                Start::Root
            }
            Some(name) if name.starts_with("portcullis") => {
                base.clear();
                Start::Crate(names.next().unwrap_or_default())
            }
            _ => return,
        };
        base.extend(names.filter(|name| name != "self"));
        self.content.paths.push(Path { start, names: base, line });
    }

    /// A module of tests in a file of its own: `mod tests;`, with `#[path = "…"]` or without.
    fn test_module(&mut self, item: &[TokenTree]) {
        let Some(at) = item.iter().position(|t| matches!(t, TokenTree::Ident(w) if w == "mod"))
        else {
            return;
        };
        let [TokenTree::Ident(name), TokenTree::Punct(_), ..] = &item[at + 1..] else { return };
        let named = item[..at].iter().find_map(|token| {
            let TokenTree::Group(group) = token else { return None };
            let text = group.stream().to_string();
            let path = text.strip_prefix("path")?.trim_start_matches([' ', '=']);
            Some(TestFile::Beside(path.trim_matches('"').to_owned()))
        });
        self.content.tests.push(named.unwrap_or_else(|| TestFile::Module(name.to_string())));
    }
}

/// One leaf of a tree of paths.
struct Leaf {
    names: Vec<Ident>,
    renamed: Option<Ident>,
}

impl Leaf {
    fn known_as(&self) -> String {
        let last = self.names.iter().rfind(|name| *name != "self");
        self.renamed.as_ref().or(last).map(Ident::to_string).unwrap_or_default()
    }
}

fn is_start(word: &Ident) -> bool {
    let word = word.to_string();
    ["crate", "self", "super"].contains(&word.as_str()) || word.starts_with("portcullis")
}

/// Whether `::` stands here.
fn leads_on(tokens: &[TokenTree], at: usize) -> bool {
    let is_colon = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == ':');
    is_colon(tokens.get(at)) && is_colon(tokens.get(at + 1))
}

/// The branches of a group, which commas part.
fn branches(tokens: &[TokenTree], before: &[Ident], found: &mut Vec<Leaf>) {
    let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == ',');
    for branch in tokens.split(is_comma).filter(|branch| !branch.is_empty()) {
        // A leading `::` names another crate.
        let from = if leads_on(branch, 0) { 2 } else { 0 };
        tree(branch, from, before, found);
    }
}

/// One path or tree of paths; where it ends.
fn tree(tokens: &[TokenTree], mut at: usize, before: &[Ident], found: &mut Vec<Leaf>) -> usize {
    let mut names = before.to_vec();
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(name)) => {
                names.push(name.clone());
                at += 1;
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inside: Vec<_> = group.stream().into_iter().collect();
                branches(&inside, &names, found);
                return at + 1;
            }
            // A glob, or a generic argument: what is before it is the path.
            _ => break,
        }
        if !leads_on(tokens, at) {
            break;
        }
        at += 2;
    }
    let renamed = match tokens.get(at..).unwrap_or_default() {
        [TokenTree::Ident(word), TokenTree::Ident(name), ..] if word == "as" => Some(name.clone()),
        _ => None,
    };
    if !names.is_empty() {
        found.push(Leaf { names, renamed });
    }
    at
}

/// Where the item ends that starts here with an attribute, if it is for tests only.
fn test_only(tokens: &[TokenTree], at: usize) -> Option<usize> {
    let mut after = at;
    let mut is_for_tests = false;
    while let Some(TokenTree::Punct(mark)) = tokens.get(after)
        && mark.as_char() == '#'
    {
        let TokenTree::Group(attribute) = tokens.get(after + 1)? else { return None };
        is_for_tests |= asks_for_tests(attribute.stream());
        after += 2;
    }
    if !is_for_tests {
        return None;
    }
    // A comma ends a field or a variant; it may stand in the head of a function.
    const ITEMS: [&str; 10] =
        ["async", "const", "enum", "fn", "impl", "mod", "static", "struct", "trait", "use"];
    let word = tokens[after..].iter().find_map(|token| match token {
        TokenTree::Ident(word) if word != "pub" => Some(word.to_string()),
        _ => None,
    });
    let is_item = word.is_some_and(|word| ITEMS.contains(&word.as_str()));
    let ends = |token: &TokenTree| match token {
        TokenTree::Punct(mark) => mark.as_char() == ';' || (mark.as_char() == ',' && !is_item),
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        _ => false,
    };
    let length = tokens[after..].iter().position(ends);
    Some(length.map_or(tokens.len(), |length| after + length + 1))
}

/// Whether an attribute is `cfg(test)`, or `cfg(all(…))` with `test` among the others, or
/// `test` itself.
fn asks_for_tests(attribute: TokenStream) -> bool {
    let words: Vec<_> = attribute.into_iter().collect();
    match &words[..] {
        [TokenTree::Ident(word)] => word == "test",
        [TokenTree::Ident(word), TokenTree::Group(inside)] if word == "cfg" || word == "all" => {
            let inside: Vec<_> = inside.stream().into_iter().collect();
            let is_comma =
                |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == ',');
            inside.split(is_comma).any(|part| asks_for_tests(part.iter().cloned().collect()))
        }
        _ => false,
    }
}

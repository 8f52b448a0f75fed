//! Who imports whom among the files of a crate, as its source says.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    iter::Peekable,
    path::Path,
};

use proc_macro2::{Delimiter, TokenStream, TokenTree, token_stream::IntoIter};

/// By file, the files that it uses.
pub(crate) type Imports = BTreeMap<String, BTreeSet<String>>;

type ModulePath = Vec<String>;

#[derive(Default)]
struct Module {
    file: String,
    children: BTreeSet<String>,
    /// Names that stand for something in another module, by where that is.
    aliases: HashMap<String, ModulePath>,
    paths: BTreeSet<ModulePath>,
}

/// Reads every file below `src`. Parts that are only compiled for tests do not count.
pub(crate) fn imports_of_crate(src: &Path) -> Imports {
    let mut modules = BTreeMap::new();
    for file in ["lib.rs", "main.rs"].map(|name| src.join(name)) {
        if file.is_file() {
            read_module(src, &file, &[], &mut modules);
            break;
        }
    }
    modules
        .iter()
        .map(|(at, module)| {
            let used = module.paths.iter().filter_map(|path| resolve(&modules, at, path, 0));
            let mut files: BTreeSet<String> = used.collect();
            // A part uses what the file that declares it shares with its parts.
            for above in 0..=at.len() {
                files.remove(&modules[&at[..above]].file);
            }
            (module.file.clone(), files)
        })
        .collect()
}

fn read_module(src: &Path, file: &Path, at: &[String], modules: &mut BTreeMap<ModulePath, Module>) {
    let text = fs::read_to_string(file).unwrap();
    let tokens: TokenStream =
        text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let name = file.strip_prefix(src).unwrap().to_str().unwrap().to_owned();
    let mut module = Module { file: name, ..Module::default() };
    module.read(tokens);
    let folder = at.iter().fold(src.to_owned(), |folder, part| folder.join(part));
    let children = module.children.clone();
    modules.insert(at.to_vec(), module);
    for child in children {
        let below = [at, std::slice::from_ref(&child)].concat();
        let beside = folder.join(format!("{child}.rs"));
        let inside = folder.join(&child).join("mod.rs");
        let file = if beside.is_file() { beside } else { inside };
        if file.is_file() {
            read_module(src, &file, &below, modules);
        }
    }
}

/// The file that a path leads to: that of the module it names, or where the name that the module
/// hands on comes from.
fn resolve(
    modules: &BTreeMap<ModulePath, Module>,
    from: &ModulePath,
    path: &ModulePath,
    depth: usize,
) -> Option<String> {
    let mut at = match path.first()?.as_str() {
        "crate" => Vec::new(),
        "self" => from.clone(),
        "super" => from.split_last()?.1.to_vec(),
        child if modules[from].children.contains(child) => {
            let mut below = from.clone();
            below.push(child.to_owned());
            below
        }
        _ => return None,
    };
    for (place, part) in path.iter().enumerate().skip(1) {
        let module = modules.get(&at)?;
        if part == "super" {
            at.pop()?;
        } else if module.children.contains(part) {
            at.push(part.clone());
        } else if let Some(alias) = module.aliases.get(part).filter(|_| depth < 8) {
            let onward = [alias.as_slice(), &path[place + 1..]].concat();
            return resolve(modules, &at, &onward, depth + 1).or(Some(module.file.clone()));
        } else {
            return Some(module.file.clone());
        }
    }
    modules.get(&at).map(|module| module.file.clone())
}

impl Module {
    fn read(&mut self, tokens: TokenStream) {
        let mut rest = tokens.into_iter().peekable();
        while let Some(token) = rest.next() {
            match token {
                TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
                    let is_attribute_of_tests = is_of_tests(&group.stream());
                    self.read(group.stream());
                    if is_attribute_of_tests {
                        skip_item(&mut rest);
                    }
                }
                TokenTree::Group(group) => self.read(group.stream()),
                TokenTree::Ident(word) if word == "use" => {
                    let tree = rest.by_ref().take_while(|token| !is_mark(token, ';'));
                    self.read_use(&ModulePath::new(), tree.collect());
                }
                TokenTree::Ident(word) if word == "mod" => {
                    if let Some(TokenTree::Ident(name)) = rest.next()
                        && rest.peek().is_some_and(|token| is_mark(token, ';'))
                    {
                        self.children.insert(name.to_string());
                    }
                }
                TokenTree::Ident(first) => {
                    let path = read_path(first.to_string(), &mut rest);
                    if path.len() > 1 {
                        self.paths.insert(path);
                    }
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    fn read_use(&mut self, before: &ModulePath, tree: TokenStream) {
        let mut rest = tree.into_iter().peekable();
        while let Some(token) = rest.next() {
            let TokenTree::Ident(first) = token else { continue };
            let path = [before.clone(), read_path(first.to_string(), &mut rest)].concat();
            match rest.peek() {
                Some(TokenTree::Group(group)) => self.read_use(&path, group.stream()),
                Some(token) if is_mark(token, '*') => drop(self.paths.insert(path)),
                Some(TokenTree::Ident(word)) if *word == "as" => {
                    rest.next();
                    let name = rest.next().map(|name| name.to_string()).unwrap_or_default();
                    self.note_use(path, name);
                }
                _ if path.last().is_some_and(|last| last == "self") => {
                    let module = path[..path.len() - 1].to_vec();
                    let name = module.last().cloned().unwrap_or_default();
                    self.note_use(module, name);
                }
                _ => {
                    let name = path.last().cloned().unwrap_or_default();
                    self.note_use(path, name);
                }
            }
            rest.next();
        }
    }

    fn note_use(&mut self, path: ModulePath, name: String) {
        self.paths.insert(path.clone());
        self.aliases.insert(name, path);
    }
}

type Tokens = Peekable<IntoIter>;

/// The names that `::` joins. What stands after a last `::` is left.
fn read_path(first: String, rest: &mut Tokens) -> ModulePath {
    let mut path = vec![first];
    loop {
        let mut ahead = rest.clone();
        let is_joined = ahead.next().is_some_and(|token| is_mark(&token, ':'))
            && ahead.next().is_some_and(|token| is_mark(&token, ':'));
        if !is_joined {
            return path;
        }
        rest.nth(1);
        match rest.peek() {
            Some(TokenTree::Ident(name)) => path.push(name.to_string()),
            _ => return path,
        }
        rest.next();
    }
}

fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// Whether an attribute compiles what follows for tests alone.
fn is_of_tests(attribute: &TokenStream) -> bool {
    let text = attribute.to_string().replace(' ', "");
    text.starts_with("cfg(") && text.contains("test") && !text.contains("not(test")
}

/// Goes on after the next item.
fn skip_item(rest: &mut Tokens) {
    let is_end = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        token => is_mark(token, ';'),
    };
    rest.find(is_end);
}

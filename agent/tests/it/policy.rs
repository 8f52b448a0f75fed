//! The policy template says of every setting what its definition says.

use std::{collections::BTreeSet, fs, path::Path};

use poolwatch_agent::settings::{Kind, POLICY_KEY, SETTINGS, Setting};
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

/// An XML element with what is in it.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
    text: String,
}

impl Element {
    fn read(file: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/policy");
        let xml = fs::read_to_string(folder.join(file)).unwrap();
        let mut reader = Reader::from_str(&xml);
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) => open.push(Self::begin(&start)),
                Event::Empty(start) => {
                    let element = Self::begin(&start);
                    open.last_mut().unwrap().children.push(element);
                }
                Event::End(_) => {
                    let done = open.pop().unwrap();
                    open.last_mut().unwrap().children.push(done);
                }
                Event::Text(text) => open.last_mut().unwrap().text += &text,
                Event::Eof => return open.pop().unwrap(),
                _ => {}
            }
        }
    }

    fn begin(start: &BytesStart<'_>) -> Self {
        let attributes = start.attributes().map(|attribute| {
            let attribute = attribute.unwrap();
            (attribute.key.as_ref().to_owned(), attribute.value.into_owned())
        });
        Self {
            name: start.name().as_ref().to_owned(),
            attributes: attributes.collect(),
            ..Self::default()
        }
    }

    fn attribute(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The one element of this name in this one, at any depth.
    fn only(&self, name: &str) -> &Self {
        let found = self.all(name);
        assert_eq!(found.len(), 1, "{name} in {self:?}");
        found[0]
    }

    /// All elements of this name in this one, at any depth.
    fn all(&self, name: &str) -> Vec<&Self> {
        let of = |child: &'_ Self| child.name == name;
        let mut found: Vec<&Self> = self.children.iter().filter(|child| of(child)).collect();
        found.extend(self.children.iter().flat_map(|child| child.all(name)));
        found
    }
}

/// The template in one language.
struct Template {
    policies: Element,
    texts: Element,
    /// What stands between two bounds.
    to: &'static str,
}

impl Template {
    /// The template in every language that it is in.
    fn languages() -> [Self; 2] {
        [("en-US", "to"), ("de-DE", "bis")].map(|(language, to)| Self {
            policies: Element::read("Poolwatch.admx"),
            texts: Element::read(&format!("{language}/Poolwatch.adml")),
            to,
        })
    }

    fn policy(&self, setting: &Setting) -> &Element {
        let policies = self.policies.all("policy");
        let of = |policy: &&&Element| policy.attribute("name") == setting.policy;
        policies.iter().find(of).unwrap_or_else(|| panic!("no policy {}", setting.policy))
    }

    /// What a reference such as `$(string.ServerUrl)` stands for.
    fn referred(&self, reference: &str) -> &Element {
        let inside = reference.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')'));
        let (kind, id) = inside.and_then(|inside| inside.split_once('.')).unwrap();
        let all = self.texts.all(kind);
        let found: Vec<_> = all.iter().filter(|each| each.attribute("id") == id).collect();
        assert_eq!(found.len(), 1, "{reference}");
        found[0]
    }
}

#[test]
fn there_is_one_policy_for_each_setting_and_no_other() {
    let [template, _] = Template::languages();
    let named: Vec<&str> =
        template.policies.all("policy").iter().map(|policy| policy.attribute("name")).collect();
    let settings: Vec<&str> = SETTINGS.iter().map(|setting| setting.policy).collect();
    assert_eq!(named, settings);
}

#[test]
fn a_policy_writes_the_value_that_the_agent_reads() {
    let [template, _] = Template::languages();
    for setting in SETTINGS {
        let policy = template.policy(setting);
        assert_eq!(policy.attribute("key"), POLICY_KEY, "{}", setting.policy);
        assert_eq!(policy.attribute("class"), "Machine", "{}", setting.policy);
        match &setting.kind {
            Kind::Switch => {
                assert_eq!(policy.attribute("valueName"), setting.policy);
                let value = |of| policy.only(of).only("decimal").attribute("value");
                assert_eq!([value("enabledValue"), value("disabledValue")], ["1", "0"]);
            }
            Kind::Number(bounds) => {
                let element = policy.only("elements").only("decimal");
                assert_eq!(element.attribute("valueName"), setting.policy);
                assert_eq!(element.attribute("minValue"), bounds.start().to_string());
                assert_eq!(element.attribute("maxValue"), bounds.end().to_string());
            }
            Kind::Url
            | Kind::Proxy
            | Kind::Word
            | Kind::Path
            | Kind::Collectors
            | Kind::Services
            | Kind::Labels => {
                let element = policy.only("elements").only("text");
                assert_eq!(element.attribute("valueName"), setting.policy);
                assert_eq!(element.attribute("required"), "true");
            }
        }
    }
}

#[test]
fn every_policy_is_explained_with_its_default() {
    for template in Template::languages() {
        for setting in SETTINGS {
            let policy = template.policy(setting);
            let title = template.referred(policy.attribute("displayName"));
            let explained = template.referred(policy.attribute("explainText"));
            assert!(!title.text.is_empty() && explained.text.len() > 100, "{}", setting.policy);
            // The folder depends on the system.
            let default = setting.default_value().filter(|_| setting.name != "spool_dir");
            if let Some(default) = default {
                assert!(explained.text.contains(&default), "{}: {default}", setting.policy);
            }
            if let Kind::Number(bounds) = &setting.kind {
                let bounds = format!("{} {} {}", bounds.start(), template.to, bounds.end());
                assert!(explained.text.contains(&bounds), "{}: {bounds}", setting.policy);
            }
        }
    }
}

#[test]
fn what_the_editor_offers_is_a_valid_value() {
    for template in Template::languages() {
        for setting in SETTINGS.iter().filter(|setting| setting.kind != Kind::Switch) {
            let presentation =
                template.referred(template.policy(setting).attribute("presentation"));
            assert_eq!(presentation.children.len(), 1, "{}", setting.policy);
            let field = &presentation.children[0];
            assert_eq!(field.attribute("refId"), setting.policy);
            let offered = match &setting.kind {
                Kind::Number(_) => {
                    assert_eq!(field.name, "decimalTextBox");
                    Some(field.attribute("defaultValue"))
                }
                _ => field.all("defaultValue").first().map(|value| value.text.as_str()),
            };
            if let Some(offered) = offered {
                assert_eq!(setting.default_value().as_deref(), Some(offered), "{}", setting.policy);
            }
        }
    }
}

#[test]
fn every_text_is_used() {
    for template in Template::languages() {
        let used: BTreeSet<String> = references(&template.policies).collect();
        for kind in ["string", "presentation"] {
            for each in template.texts.all(kind) {
                let reference = format!("$({kind}.{})", each.attribute("id"));
                assert!(used.contains(&reference), "{reference}");
            }
        }
    }
}

#[test]
fn every_policy_has_a_category_and_versions_that_are_defined() {
    let [template, _] = Template::languages();
    let names = |kind| -> Vec<&str> {
        template.policies.all(kind).iter().map(|one| one.attribute("name")).collect()
    };
    let (categories, versions) = (names("category"), names("definition"));
    for parent in template.policies.all("parentCategory") {
        assert!(categories.contains(&parent.attribute("ref")), "{parent:?}");
    }
    for policy in template.policies.all("policy") {
        assert_ne!(policy.only("parentCategory").attribute("ref"), "Agent", "a category below");
        assert!(versions.contains(&policy.only("supportedOn").attribute("ref")), "{policy:?}");
    }
}

fn references(element: &Element) -> Box<dyn Iterator<Item = String> + '_> {
    let own = element.attributes.iter().map(|(_, value)| value.clone());
    let own = own.filter(|value| value.starts_with("$("));
    Box::new(own.chain(element.children.iter().flat_map(references)))
}

//! What of a list is asked for beside its order: parameters of its address, fields of its form.

/// Which rows of a list are asked for.
pub trait Filter: Default + Clone {
    /// Its parameters, in the order of the form.
    fn parameters(&mut self) -> Vec<Parameter<'_>>;

    /// Whether it leaves rows out.
    fn is_narrowed(&self) -> bool {
        self.clone().parameters().iter().any(|one| !one.value.in_address().is_empty())
    }
}

/// Of lists that are shown whole.
impl Filter for () {
    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        Vec::new()
    }
}

/// A parameter of a list's address.
pub struct Parameter<'a> {
    /// Its name.
    pub(super) name: &'static str,
    /// What its field in the form is called; empty when it has none.
    pub(super) label: &'static str,
    /// What stands in an empty field.
    pub(super) placeholder: &'static str,
    /// Whether it is one of the groups of the fleet.
    pub(super) is_group: bool,
    /// Whether its field is among those that are folded away.
    pub(super) is_extra: bool,
    /// Its value.
    pub(super) value: &'a mut dyn ParameterValue,
}

/// The value of a parameter.
pub trait ParameterValue {
    /// As it is in an address; empty for the usual value.
    fn in_address(&self) -> &str;

    /// Takes a value that is not empty; false when it is none of [`Self::choices`].
    fn set(&mut self, text: &str) -> bool;

    /// The values to choose from, with what they are called; none for free text.
    fn choices(&self) -> Vec<(&'static str, &'static str)>;

    /// The value that is chosen of these.
    fn chosen(&self) -> &str {
        self.in_address()
    }
}

impl ParameterValue for String {
    fn in_address(&self) -> &str {
        self
    }

    fn set(&mut self, text: &str) -> bool {
        text.clone_into(self);
        true
    }

    fn choices(&self) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }
}

/// A value out of a few; the first is the usual one.
pub trait Choice: Copy + PartialEq + 'static {
    /// All, in the order in which they are offered: the value, its text in an address, what it is
    /// called.
    const ALL: &'static [(Self, &'static str, &'static str)];
}

/// Nothing to choose from.
impl Choice for () {
    const ALL: &'static [(Self, &'static str, &'static str)] = &[((), "", "")];
}

impl<C: Choice> ParameterValue for C {
    fn in_address(&self) -> &str {
        if *self == C::ALL[0].0 { "" } else { self.chosen() }
    }

    fn set(&mut self, text: &str) -> bool {
        let found = C::ALL.iter().find(|(_, name, _)| *name == text);
        found.inspect(|(value, ..)| *self = *value).is_some()
    }

    fn choices(&self) -> Vec<(&'static str, &'static str)> {
        C::ALL.iter().map(|(_, name, label)| (*name, *label)).collect()
    }

    fn chosen(&self) -> &str {
        C::ALL.iter().find(|(value, ..)| value == self).map_or("", |(_, name, _)| name)
    }
}

impl<'a> Parameter<'a> {
    /// A text that rows are searched for.
    pub(crate) fn text(
        name: &'static str,
        label: &'static str,
        placeholder: &'static str,
        value: &'a mut String,
    ) -> Self {
        Self { name, label, placeholder, is_group: false, is_extra: false, value }
    }

    /// The same, folded away until it is asked for.
    pub(crate) fn extra(self) -> Self {
        Self { is_extra: true, ..self }
    }

    /// A group of the fleet.
    pub(crate) fn group(value: &'a mut String) -> Self {
        let (name, label, placeholder) = ("group", "Group", "");
        Self { name, label, placeholder, is_group: true, is_extra: false, value }
    }

    /// A value out of a few.
    pub(crate) fn choice(
        name: &'static str,
        label: &'static str,
        value: &'a mut impl Choice,
    ) -> Self {
        Self { name, label, placeholder: "", is_group: false, is_extra: false, value }
    }

    /// A value that links set, and no form.
    pub(crate) fn of_links(name: &'static str, value: &'a mut dyn ParameterValue) -> Self {
        Self { name, label: "", placeholder: "", is_group: false, is_extra: false, value }
    }
}

/// Declares a [`Choice`]: each value with its text in an address and what it is called.
macro_rules! choices {
    (
        $(#[$about:meta])*
        $name:ident { $($(#[$about_value:meta])* $value:ident = $text:literal, $label:literal;)+ }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$about_value])* $value,)+
        }

        impl Default for $name {
            fn default() -> Self {
                <Self as crate::list::Choice>::ALL[0].0
            }
        }

        impl crate::list::Choice for $name {
            const ALL: &'static [(Self, &'static str, &'static str)] =
                &[$((Self::$value, $text, $label),)+];
        }
    };
}
pub(crate) use choices;

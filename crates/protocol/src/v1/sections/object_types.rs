//! Sections 6 and 7: kernel object types.

use poolwatch_model::process::ObjectTypeUse;
use serde::{Deserialize, Serialize};

use super::{each_row, name, to_postcard};
use crate::{
    limits,
    v1::{table::Row, wire::Malformed},
};

/// An object type as sent: name; objects, handles, peak objects, peak handles.
#[derive(Serialize, Deserialize)]
struct ObjectTypeRow<'a>(&'a str, [u32; 4]);

impl Row for ObjectTypeUse {
    const COUNTERS: usize = 4;
    const LIMIT: usize = limits::OBJECT_TYPES;
    const SMALL: u8 = 0b1111;
    type Key = String;

    fn key(&self) -> String {
        self.name.clone()
    }

    fn counter(&self, index: usize) -> u64 {
        [self.objects, self.handles, self.peak_objects, self.peak_handles][index].into()
    }

    fn set_counter(&mut self, index: usize, value: u64) {
        let counters =
            [&mut self.objects, &mut self.handles, &mut self.peak_objects, &mut self.peak_handles];
        *counters[index] = value as u32;
    }

    fn differs_only_in_counters(&self, other: &Self) -> bool {
        self.name == other.name
    }

    fn encode(rows: &[Self]) -> Vec<u8> {
        let rows: Vec<ObjectTypeRow<'_>> = rows
            .iter()
            .map(|row| {
                let counters = [row.objects, row.handles, row.peak_objects, row.peak_handles];
                ObjectTypeRow(&row.name, counters)
            })
            .collect();
        to_postcard(&rows)
    }

    fn decode(bytes: &[u8]) -> Result<Vec<Self>, Malformed> {
        let mut types = Vec::new();
        each_row(bytes, Self::LIMIT, |ObjectTypeRow(text, counters)| {
            let [objects, handles, peak_objects, peak_handles] = counters;
            types.push(Self { name: name(text)?, objects, handles, peak_objects, peak_handles });
            Ok(())
        })?;
        Ok(types)
    }
}

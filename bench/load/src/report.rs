//! Results as a table for people and as JSON for programs.

use anyhow::Result;
use serde::Serialize;

/// One measurement.
#[derive(Serialize)]
pub struct Row {
    pub name: String,
    /// The result: a ratio, or an absolute figure with its unit.
    pub value: f64,
    pub unit: &'static str,
    /// The target, if there is one.
    pub target: Option<Target>,
    /// The absolute figures behind it.
    pub detail: String,
}

/// A limit, and whether the figure keeps it.
#[derive(Serialize)]
pub struct Target {
    pub at_most: Option<f64>,
    pub at_least: Option<f64>,
    pub reached: bool,
}

impl Row {
    pub fn new(name: impl Into<String>, value: f64, unit: &'static str, detail: String) -> Row {
        Row { name: name.into(), value, unit, target: None, detail }
    }

    pub fn at_most(mut self, bound: f64) -> Row {
        self.target = Some(Target { at_most: Some(bound), at_least: None, reached: self.value <= bound });
        self
    }

    pub fn at_least(mut self, bound: f64) -> Row {
        self.target = Some(Target { at_most: None, at_least: Some(bound), reached: self.value >= bound });
        self
    }
}

pub fn print(rows: &[Row], json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(rows)?);
        return Ok(());
    }
    println!("{:<44} {:>12}  {:<10} {:<7}  absolute", "measurement", "figure", "target", "");
    for row in rows {
        let figure = format!("{:.2} {}", row.value, row.unit);
        let (target, reached) = match &row.target {
            None => (String::new(), ""),
            Some(target) => {
                let bound = match (target.at_most, target.at_least) {
                    (Some(most), _) => format!("<= {most}"),
                    (None, Some(least)) => format!(">= {least}"),
                    (None, None) => String::new(),
                };
                (bound, if target.reached { "ok" } else { "MISSED" })
            }
        };
        println!("{:<44} {figure:>12}  {target:<10} {reached:<7}  {}", row.name, row.detail);
    }
    Ok(())
}

//! What decides how a run ended.

use portcullis_core::judge::{self, Signal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;
use crate::results::wire::Wire;
use crate::results::{Contradiction, ensure};

/// Something that decides how the run ended.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Finding<'a> {
    #[schemars(extend("enum" = FINDINGS))]
    pub kind: Text<'a>,
    pub exit_code: u8,
    pub message: Text<'a>,
}

/// The kinds of findings.
const FINDINGS: [&str; 8] =
    ["interrupted", "defect", "refused", "preparation", "server", "invalid", "violated", "no data"];

impl<'a> Wire<'a, judge::Finding> for Finding<'a> {
    fn of(finding: &'a judge::Finding) -> Self {
        Self {
            kind: finding.kind().into(),
            exit_code: finding.exit_code(),
            message: finding.message().into(),
        }
    }

    fn read(self) -> Result<judge::Finding, Contradiction> {
        use judge::Finding;
        let text = self.message.into_owned();
        let finding = match (self.kind.as_ref(), self.exit_code) {
            ("interrupted", 143) => Finding::Interrupted(Signal::Terminate),
            ("interrupted", _) => Finding::Interrupted(Signal::Interrupt),
            ("defect", _) => Finding::Defect(text),
            ("refused", _) => Finding::Refused(text),
            ("preparation", _) => Finding::Preparation(text),
            ("server", _) => Finding::Server(text),
            ("invalid", _) => Finding::Invalid(text),
            ("violated", _) => Finding::violation(text),
            ("no data", _) => Finding::NoData(text),
            (kind, _) => {
                return Err(Contradiction::new(format!("\"{kind}\" is no kind of finding")));
            }
        };
        let (kind, code) = (finding.kind(), self.exit_code);
        ensure(finding.exit_code() == code, format_args!("\"{kind}\" does not mean exit {code}"))?;
        Ok(finding)
    }
}

//! Methods that not everybody may invoke.

use hubplane_hub::{AnyValue, Call, HubError, Upload, hub};

use crate::Conformance;
use crate::streams::collect;

#[hub(part = guarded)]
impl Conformance {
    /// The policy of `MultiParamAuthMethod`; everything else is free.
    fn authorize(&self, call: &Call) -> bool {
        call.method() != "MultiParamAuthMethod"
            || call
                .argument::<String>(0)
                .is_ok_and(|text| text != "denied")
    }

    #[method(authorize)]
    fn auth_method(&self) {}

    #[method(authorize)]
    fn multi_param_auth_method(&self, text: String, _value: AnyValue) -> String {
        text
    }

    #[method(authorize)]
    async fn upload_array_auth(&self, source: Upload<AnyValue>) -> Result<Vec<AnyValue>, HubError> {
        collect(source).await
    }
}

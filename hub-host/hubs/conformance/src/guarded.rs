//! Methods that not everybody may invoke.

use hubplane_hub::{
    AnyValue, Call, Filter, Filtered, Filters, HubError, Next, Returned, Upload, hub,
};

use crate::Conformance;
use crate::streams::collect;

/// Takes the stream of `NullStream` away: the compiler lets no method return none.
struct NoStream;

impl Filter for NoStream {
    fn invoke<'a>(&'a self, call: Call, next: Next<'a>) -> Filtered<'a, Returned> {
        if call.method() != "NullStream" {
            return next.run(call);
        }
        Box::pin(async move { Ok(Returned::new(call.context(), &())?) })
    }
}

#[hub(part = guarded)]
impl Conformance {
    fn filters(&self) -> Filters {
        Filters::new().with(NoStream)
    }

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

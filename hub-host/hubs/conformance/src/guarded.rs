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

/// Around the methods whose names begin with `Filter`: changes what goes in and what comes out.
struct Around(&'static str);

impl Around {
    async fn echo(&self, mut call: Call, next: Next<'_>) -> Result<Returned, HubError> {
        let name = self.0;
        let (text,): (String,) = call.arguments()?;
        call.set_arguments((format!("{text}>{name}"),))?;
        let ctx = call.context().clone();
        let returned = next.run(call).await?;
        let text: String = returned.value()?.unwrap_or_default();
        Ok(Returned::new(&ctx, &format!("{text}<{name}"))?)
    }
}

impl Filter for Around {
    fn invoke<'a>(&'a self, call: Call, next: Next<'a>) -> Filtered<'a, Returned> {
        match call.method() {
            "FilteredEcho" => Box::pin(self.echo(call, next)),
            "FilterRefuses" => Box::pin(async { Err(HubError::new("a filter refused")) }),
            "FilterReplaces" => Box::pin(async move { Ok(Returned::new(call.context(), &43)?) }),
            _ => next.run(call),
        }
    }
}

#[hub(part = guarded)]
impl Conformance {
    fn filters(&self) -> Filters {
        Filters::new()
            .with(NoStream)
            .with(Around("outer"))
            .with(Around("inner"))
    }

    /// The policies of `MultiParamAuthMethod` and `ClosedMethod`; everything else is free. `OpenMethod` is not asked about.
    fn authorize(&self, call: &Call) -> bool {
        match call.method() {
            "MultiParamAuthMethod" => call
                .argument::<String>(0)
                .is_ok_and(|text| text != "denied"),
            "ClosedMethod" | "OpenMethod" => false,
            _ => true,
        }
    }

    /// Gives its text back, which two filters write into on the way in and on the way out.
    fn filtered_echo(&self, text: String) -> String {
        text
    }

    /// Is never reached.
    fn filter_refuses(&self) {}

    /// A filter answers in its place.
    fn filter_replaces(&self) -> i32 {
        42
    }

    #[method(authorize, roles = "admin,owner")]
    fn admin_method(&self) {}

    #[method(authorize, claim = "tenant=7")]
    fn tenant_method(&self) {}

    /// Nobody may: the hub's own function says so.
    fn closed_method(&self) {}

    #[method(anonymous)]
    fn open_method(&self) {}

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

use std::collections::BTreeMap;

use hubplane_hub::{
    AnyValue, ArgumentList, Bytes, ConnectionId, Context, Disconnect, HubError, SendError,
    Timestamp, hub,
};

use crate::Conformance;
use crate::values::{Colour, ComplexObject, CustomObject, Empty};

/// What a method gives that only sends.
type Sent = Result<(), SendError>;
/// What a method gives that may fail in other ways too.
type Called = Result<(), HubError>;
/// Names that may be null, which is an error of its own.
type Names = Option<Vec<String>>;

/// The error that stands for .NET's `InvalidOperationException`.
pub(crate) fn invalid_operation(text: &str) -> HubError {
    HubError::hidden("InvalidOperationException", text)
}

/// An empty text is null, as in the reference's answers about the request.
fn present(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(ToOwned::to_owned)
}

#[hub(parts(streams, guarded, kinds, questions))]
impl Conformance {
    // --- Life cycle -------------------------------------------------------------------------------------------------

    fn on_connected(&self, ctx: &Context) {
        let user = ctx.user_id().map_or("null", |user| user.as_str());
        self.note(ctx, format!("connected user={user}"));
    }

    fn on_disconnected(&self, ctx: &Context, reason: &Disconnect) {
        let own = reason.reason().map(ToOwned::to_owned);
        let error = reason.error().or(own).unwrap_or_else(|| "none".to_owned());
        self.note(ctx, format!("disconnected {error}"));
        self.open_gate(ctx.connection_id().as_str());
        self.forget(ctx);
    }

    fn get_events(&self, connection: String) -> Vec<String> {
        self.events(&connection)
    }

    async fn kill(&self, ctx: &Context) -> Sent {
        ctx.abort().await
    }

    async fn abort(&self, ctx: &Context) -> Sent {
        ctx.abort().await
    }

    // --- Sends ------------------------------------------------------------------------------------------------------

    async fn broadcast_method(&self, ctx: &Context, message: Option<String>) -> Sent {
        ctx.all().send("Broadcast", (message,)).await
    }

    async fn broadcast_item(&self, ctx: &Context, message: AnyValue) -> Sent {
        ctx.all().send("Broadcast", (message,)).await
    }

    async fn send_array(&self, ctx: &Context) -> Sent {
        ctx.all().send("Array", ([1, 2, 3],)).await
    }

    async fn client_send_method(
        &self,
        ctx: &Context,
        user: Option<String>,
        message: String,
    ) -> Called {
        Ok(ctx.user(named(user)?).send("Send", (message,)).await?)
    }

    async fn send_to_multiple_users(&self, ctx: &Context, users: Names, message: String) -> Called {
        Ok(ctx.users(named(users)?).send("Send", (message,)).await?)
    }

    async fn connection_send_method(
        &self,
        ctx: &Context,
        connection: Option<String>,
        message: String,
    ) -> Called {
        Ok(ctx
            .client(named(connection)?)
            .send("Send", (message,))
            .await?)
    }

    async fn send_to_multiple_clients(
        &self,
        ctx: &Context,
        message: String,
        connections: Names,
    ) -> Called {
        Ok(ctx
            .clients(named(connections)?)
            .send("Send", (message,))
            .await?)
    }

    async fn send_to_all_except(&self, ctx: &Context, message: String, excluded: Names) -> Called {
        Ok(ctx
            .all()
            .except(named(excluded)?)
            .send("Send", (message,))
            .await?)
    }

    async fn send_to_others(&self, ctx: &Context, message: String) -> Sent {
        ctx.others().send("Send", (message,)).await
    }

    async fn send_to_caller(&self, ctx: &Context, message: String) -> Sent {
        ctx.caller().send("Send", (message,)).await
    }

    async fn send_anonymous_object(&self, ctx: &Context) -> Sent {
        ctx.caller().send("Send", (Empty {},)).await
    }

    async fn send_arguments(
        &self,
        ctx: &Context,
        method: String,
        arguments: Vec<AnyValue>,
    ) -> Sent {
        ctx.caller().send(&method, ArgumentList(arguments)).await
    }

    async fn send_numbers(&self, ctx: &Context, count: i32) -> Sent {
        for number in 0..count {
            ctx.caller().send("Number", (number,)).await?;
        }
        Ok(())
    }

    async fn send_from_outside(&self, ctx: &Context, message: String) -> Sent {
        ctx.hub().all().send("Send", (message,)).await
    }

    async fn invoke_with_string(&self, ctx: &Context, message: String) -> Sent {
        ctx.client(ctx.connection_id())
            .send("Message", (message,))
            .await
    }

    async fn send_custom_object(&self, ctx: &Context, value: CustomObject) -> Sent {
        ctx.client(ctx.connection_id())
            .send("CustomObject", (value,))
            .await
    }

    async fn call_handler_that_doesnt_exist(&self, ctx: &Context) -> Sent {
        ctx.client(ctx.connection_id())
            .send("NoClientHandler", ())
            .await
    }

    /// Sends `Ordered`(where, number) for the numbers from 0 on to the caller, a group and a user in turn, then
    /// returns the count: whoever receives sees its own numbers grow, and the caller its completion last.
    async fn ordered(
        &self,
        ctx: &Context,
        count: u32,
        group: String,
        user: String,
    ) -> Result<u32, SendError> {
        for number in 0..count {
            match number % 3 {
                0 => ctx.caller().send("Ordered", ("caller", number)).await?,
                1 => ctx.group(&group).send("Ordered", ("group", number)).await?,
                _ => ctx.user(&user).send("Ordered", ("user", number)).await?,
            }
        }
        Ok(count)
    }

    // --- Groups -----------------------------------------------------------------------------------------------------

    async fn group_add_method(&self, ctx: &Context, group: Option<String>) -> Called {
        ctx.join(named(group)?).await?;
        Ok(())
    }

    async fn group_remove_method(&self, ctx: &Context, group: String) -> Sent {
        ctx.leave(group).await?;
        Ok(())
    }

    async fn group_add_connection(&self, ctx: &Context, connection: String, group: String) -> Sent {
        ctx.add_to_group(connection, group).await?;
        Ok(())
    }

    async fn group_remove_connection(
        &self,
        ctx: &Context,
        connection: String,
        group: String,
    ) -> Sent {
        ctx.remove_from_group(connection, group).await?;
        Ok(())
    }

    async fn group_send_method(
        &self,
        ctx: &Context,
        group: Option<String>,
        message: String,
    ) -> Called {
        Ok(ctx.group(named(group)?).send("Send", (message,)).await?)
    }

    async fn group_except_send_method(
        &self,
        ctx: &Context,
        group: String,
        message: String,
        excluded: Vec<String>,
    ) -> Sent {
        ctx.group(group)
            .except(excluded)
            .send("Send", (message,))
            .await
    }

    async fn send_to_multiple_groups(
        &self,
        ctx: &Context,
        message: String,
        groups: Vec<String>,
    ) -> Sent {
        ctx.groups(groups).send("Send", (message,)).await
    }

    async fn send_to_others_in_group(&self, ctx: &Context, group: String, message: String) -> Sent {
        ctx.others_in_group(group).send("Send", (message,)).await
    }

    // --- Results ----------------------------------------------------------------------------------------------------

    async fn task_value_method(&self) -> i32 {
        42
    }

    fn value_method(&self) -> i32 {
        43
    }

    async fn value_task_method(&self) {}

    async fn value_task_value_method(&self) -> i32 {
        43
    }

    fn void_method(&self) {}

    async fn task_method(&self) {}

    fn simple_method(&self) -> i32 {
        21
    }

    fn hello_world(&self) -> &'static str {
        "Hello World!"
    }

    fn echo(&self, data: Option<String>) -> Option<String> {
        data
    }

    fn echo_object(&self, value: AnyValue) -> AnyValue {
        value
    }

    fn echo_complex_object(&self, value: ComplexObject) -> ComplexObject {
        value
    }

    fn send_complex_object(&self) -> ComplexObject {
        ComplexObject::sample()
    }

    fn concat_string(&self, b: u8, i: i32, c: char, s: String) -> String {
        format!("{b}, {i}, {c}, {s}")
    }

    #[method(name = "RenamedMethod")]
    fn a_test_method_that_is_renamed_by_the_attribute(&self) -> i32 {
        43
    }

    // --- Failures ---------------------------------------------------------------------------------------------------

    fn throw_exception(&self, message: String) -> Called {
        Err(invalid_operation(&message))
    }

    fn method_that_throws(&self) -> Called {
        Err(invalid_operation("BOOM!"))
    }

    async fn method_that_yields_failed_task(&self) -> Called {
        Err(invalid_operation("BOOM!"))
    }

    fn throw_hub_exception(&self) -> Called {
        Err(HubError::new("This is a hub exception"))
    }

    #[allow(clippy::panic)]
    fn panic(&self, message: String) {
        panic!("{message}");
    }

    /// A result that JSON has no place for. The reference's refers to itself.
    fn protocol_error(&self) -> f64 {
        f64::NAN
    }

    async fn protocol_error_self(&self, ctx: &Context) -> Sent {
        ctx.caller().send("Send", (f64::NAN,)).await
    }

    async fn protocol_error_all(&self, ctx: &Context) -> Sent {
        ctx.all().send("Send", (f64::NAN,)).await
    }

    // --- Timing -----------------------------------------------------------------------------------------------------

    async fn blocking_method(&self, ctx: &Context) {
        ctx.disconnected().await;
        self.note(ctx, "BlockingMethod saw ConnectionAborted");
    }

    fn record(&self, ctx: &Context, number: i32) -> i32 {
        self.kept(ctx, |kept| kept.recorded.push(number));
        number
    }

    fn recorded_numbers(&self, ctx: &Context) -> Vec<i32> {
        self.kept(ctx, |kept| kept.recorded.clone())
    }

    async fn set_item(&self, ctx: &Context, key: String, value: String) -> Called {
        Ok(ctx.items().set(&key, &value).await?)
    }

    fn get_item(&self, ctx: &Context, key: String) -> Result<Option<String>, HubError> {
        Ok(ctx.items().get(&key)?)
    }

    // --- The request ------------------------------------------------------------------------------------------------

    fn get_caller_connection_id(&self, ctx: &Context) -> ConnectionId {
        ctx.connection_id().clone()
    }

    fn get_active_transport_name(&self, ctx: &Context) -> &'static str {
        ctx.transport().name()
    }

    fn get_user_identifier(&self, ctx: &Context) -> Option<String> {
        ctx.user_id().map(ToString::to_string)
    }

    fn get_num_redirects(&self, ctx: &Context) -> Result<i32, HubError> {
        Ok(ctx.query("numRedirects").unwrap_or_default().parse()?)
    }

    fn get_query(&self, ctx: &Context, name: String) -> String {
        ctx.query(&name).unwrap_or_default()
    }

    fn get_content_type_header(&self, ctx: &Context) -> Option<String> {
        present(ctx.header("content-type"))
    }

    fn get_header(&self, ctx: &Context, name: String) -> Option<String> {
        present(ctx.header(&name))
    }

    fn get_cookie(&self, ctx: &Context, name: String) -> Option<String> {
        ctx.cookie(&name).map(ToOwned::to_owned)
    }

    fn get_request_line(&self, ctx: &Context) -> String {
        format!("GET {}", ctx.path())
    }

    // --- Every type of reference 11.4 -------------------------------------------------------------------------------

    fn echo_bool(&self, value: bool) -> bool {
        value
    }

    fn echo_s_byte(&self, value: i8) -> i8 {
        value
    }

    fn echo_byte(&self, value: u8) -> u8 {
        value
    }

    fn echo_short(&self, value: i16) -> i16 {
        value
    }

    fn echo_u_short(&self, value: u16) -> u16 {
        value
    }

    fn echo_int(&self, value: i32) -> i32 {
        value
    }

    fn echo_u_int(&self, value: u32) -> u32 {
        value
    }

    fn echo_long(&self, value: i64) -> i64 {
        value
    }

    fn echo_u_long(&self, value: u64) -> u64 {
        value
    }

    fn echo_float(&self, value: f32) -> f32 {
        value
    }

    fn echo_double(&self, value: f64) -> f64 {
        value
    }

    fn echo_char(&self, value: char) -> char {
        value
    }

    fn echo_string(&self, value: String) -> String {
        value
    }

    fn echo_bytes(&self, value: Option<Bytes>) -> Option<Bytes> {
        value
    }

    fn echo_date(&self, value: Timestamp) -> Timestamp {
        value
    }

    fn echo_enum(&self, value: Colour) -> Colour {
        value
    }

    fn echo_nullable_int(&self, value: Option<i32>) -> Option<i32> {
        value
    }

    fn echo_ints(&self, value: Option<Vec<i32>>) -> Option<Vec<i32>> {
        value
    }

    fn echo_map(&self, value: Option<BTreeMap<String, i32>>) -> Option<BTreeMap<String, i32>> {
        value
    }

    fn echo_int_map(&self, value: BTreeMap<i32, String>) -> BTreeMap<i32, String> {
        value
    }

    fn echo_tuple(&self, value: (i32, String)) -> (i32, String) {
        value
    }

    fn echo_custom_object(&self, value: Option<CustomObject>) -> Option<CustomObject> {
        value
    }
}

/// Null names nobody; the reference fails then (reference signalr-core 14.1).
fn named<T>(target: Option<T>) -> Result<T, HubError> {
    target.ok_or_else(|| HubError::hidden("ArgumentNullException", "Value cannot be null."))
}

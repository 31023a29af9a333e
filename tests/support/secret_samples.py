"""Names that mark a secret or do not, secrets of every shape that evd recognizes, and documents without any."""

from __future__ import annotations

from hypothesis import strategies as st

from evd.auth.api_keys import ROLES, new_key
from evd.net.client.signature import new_secret
from evd.redaction.names import from_length, is_suspect

CANARY = "C4narySecret"


CERTAIN = (
    *("key", "Key", "KEY", "kEy", "apikey", "api_key", "api-key", "x-api-key", "X-API-Key", "apiKey", "xApiKey"),
    *("token", "access_token", "accessToken", "idToken", "fcmToken", "refresh_token", "token2", "customData#token"),
    *("password", "passwd", "pwd", "user_password", "secret", "client_secret", "clientSecret", "webhook_secret"),
    *("authorization", "Authorization", "Proxy-Authorization", "bearer", "jwt", "credential", "credentials", "cookie"),
    *("x-functions-key", "Ocp-Apim-Subscription-Key", "private_key", "access-key", "keys", "tokens"),
)


DOUBTFUL = (
    *("code", "sig", "signature", "session", "sessionId", "sid", "auth", "pin", "pass", "sas", "hmac", "licence"),
    *("ignition_key", "key_fob", "token_count", "auth_user", "sessionState"),
)


HARMLESS = (
    *("keyfob", "monkey", "donkey", "turkey", "hotkeys_off", "tokyo", "passenger_count", "compass", "spin", "opinion"),
    *("design", "signal", "encode", "barcode", "assigned", "pinion", "outside", "state", "current_charge", "id", ""),
)


JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1aWQifQ.c2lnbmF0dXJl"


PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQ==\n-----END PRIVATE KEY-----"


SHAPES = {
    **{f"key of role {role}": new_key(role)[0] for role in ROLES},
    "key in upper case": new_key("sigfox")[0].upper(),
    "key that was cut": new_key("sigfox")[0][:37],
    "bearer": "Bearer abc.DEF-123_~+/==",
    "bearer in another case": "bEARER  Xyzzy12345",
    "basic": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
    "JWT": JWT,
    "JWT that was cut": JWT[:30],
    "FCM token": "cX1-yZ_abcdefghijklmn:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx",
    "access token": "ya29.a0AfH6SMBx-y_z",
    "Google API key": "AIza" + "Sy0123456789abcdefghijklmnopqrstu",
    "webhook secret": new_secret(),
    "private key": PEM,
    "private key in JSON": PEM.replace("\n", "\\n"),
    "private key that was cut": PEM[:80],
}


letters = st.text("abcXYZ_ éЖ😀0123456789-", max_size=8)


names = st.sampled_from(HARMLESS) | letters.filter(lambda name: from_length(name) is None and not is_suspect(name))


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(-1e6, 1e6)
    | letters
    | st.just(" \n\t/\"'\\{}[],")
)


trees = st.recursive(
    scalars, lambda one: st.lists(one, max_size=4) | st.dictionaries(names, one, max_size=4), max_leaves=12
)


objects = st.dictionaries(names, trees, max_size=6)

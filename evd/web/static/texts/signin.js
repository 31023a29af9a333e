// Texts of signing in.
import { addTexts } from "../texts.js";

addTexts({
  "signin.lead": ["Your vehicles, as they are now.", "Vaše vozidlá, ako sú na tom teraz."],
  "signin.user": ["User", "Používateľ"],
  "signin.password": ["Password", "Heslo"],
  "signin.submit": ["Sign in", "Prihlásiť sa"],
  "signin.with_password": ["Password", "Heslo"],
  "signin.with_token": ["Access token", "Prístupový token"],
  "signin.token": ["Access token or administrator's key", "Prístupový token alebo kľúč správcu"],
  "signin.token.hint": [
    "It stays in this tab only, and is forgotten when you close it.",
    "Zostane len v tejto karte a po jej zatvorení sa zabudne.",
  ],
  "signin.token.wrong": ["This token or key is not valid.", "Tento token alebo kľúč nie je platný."],
  "signin.ended": ["Your session has ended: sign in again.", "Vaša relácia sa skončila: prihláste sa znova."],
  "signin.how": ["How to sign in", "Spôsob prihlásenia"],
});

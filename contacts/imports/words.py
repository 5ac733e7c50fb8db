"""What people call things in headers and cells, in English, Spanish, French, German, Portuguese and Italian."""

from functools import lru_cache

from contacts import places
from contacts.fields import Field

LANGUAGES = ("en", "es", "fr", "de", "pt", "it")

# Words that name a column, as `contacts.imports.mapping.plain` writes them: in lower case, with a space between them.
CONTACT_COLUMNS = {
    "email": (
        "email, e mail, mail, email address, e mail address, mail address, correo, correo electrónico, email "
        "contacto, dirección de correo, dirección de email, courriel, adresse email, adresse e mail, adresse "
        "mail, adresse courriel, mél, e mail adresse, email adresse, mailadresse, endereço de email, endereço de "
        "e mail, correio eletrónico, correio eletrônico, indirizzo email, indirizzo e mail, posta elettronica, "
        "subscriber, customer email, contact email, email cliente, user email"
    ),
    "external_id": (
        "external id, id, customer id, customer number, customer no, client id, contact id, user id, customer, id"
        " cliente, número de cliente, numero de cliente, código de cliente, cliente id, cliente, id client, "
        "numéro client, n° client, code client, kundennummer, kunden id, kunden nr, kundennr, id do cliente, "
        "código do cliente, número do cliente, codice cliente, numero cliente, member id, uid"
    ),
    "first_name": (
        "first name, firstname, given name, forename, first, nombre, nombre de pila, prénom, prenom, vorname, "
        "primeiro nome, nome próprio, nome, fname"
    ),
    "last_name": (
        "last name, lastname, surname, family name, last, apellido, apellidos, primer apellido, nom, nom de "
        "famille, nachname, familienname, zuname, sobrenome, apelido, último nome, cognome, lname"
    ),
    "phone": (
        "phone, phone number, telephone, mobile, mobile phone, cell, cell phone, tel, mobile number, teléfono, "
        "telefono, móvil, movil, celular, número de teléfono, téléphone, numéro de téléphone, portable, tél, "
        "telefon, telefonnummer, handy, handynummer, mobil, mobilnummer, telefone, telemóvel, número de telefone,"
        " cellulare, numero di telefono, whatsapp"
    ),
    "date_of_birth": (
        "date of birth, birth date, birthdate, birthday, dob, born, born on, fecha de nacimiento, fecha "
        "nacimiento, nacimiento, cumpleaños, date de naissance, naissance, anniversaire, geburtsdatum, "
        "geburtstag, geboren, geboren am, data de nascimento, nascimento, aniversário, data di nascita, nascita, "
        "compleanno"
    ),
    "gender": "gender, sex, sexo, género, genero, sexe, genre, geschlecht, gênero, sesso, genere",
    "language": "language, lang, locale, idioma, lengua, langue, sprache, língua, lingua",
    "country": (
        "country, country code, country iso, nation, país, pais, código de país, pays, code pays, land, "
        "länderkürzel, ländercode, staat, paese, nazione, stato paese"
    ),
    "region": (
        "region, state, province, county, state province, región, provincia, comunidad autónoma, estado, région, "
        "département, bundesland, kanton, região, distrito, regione"
    ),
    "city": (
        "city, town, locality, ciudad, población, localidad, municipio, ville, commune, stadt, ort, wohnort, "
        "cidade, município, città, citta, comune"
    ),
    "postal_code": (
        "postal code, postcode, post code, zip, zip code, zipcode, código postal, codigo postal, cp, code postal,"
        " postleitzahl, plz, cep, cap, codice postale"
    ),
    "time_zone": (
        "time zone, timezone, tz, zona horaria, huso horario, fuseau horaire, zeitzone, fuso horário, fuso orario"
    ),
    "newsletter": (
        "newsletter, subscribed, subscription, opt in, optin, consent, marketing consent, email consent, mailing,"
        " accepts marketing, accepts email marketing, subscription status, boletín, suscrito, suscripción, "
        "consentimiento, acepta publicidad, abonné, abonnement, consentement, infolettre, abonniert, "
        "einwilligung, werbeeinwilligung, inscrito, assinante, consentimento, iscritto, iscrizione, consenso"
    ),
    "newsletter_at": (
        "newsletter since, newsletter date, opt in date, optin date, opt in time, subscribed at, subscribed on, "
        "subscription date, consent date, consent at, fecha de suscripción, fecha de alta, fecha de "
        "consentimiento, date d abonnement, date d inscription, date de consentement, anmeldedatum, datum der "
        "einwilligung, data de inscrição, data de consentimento, data di iscrizione, data del consenso"
    ),
    "email_status": "email status, bounce status, estado del email, statut email, e mail status, stato email",
    "points": "points, score, lead score, puntos, puntuación, punkte, pontos, pontuação, punti, punteggio",
}
EVENT_COLUMNS = {
    "email": CONTACT_COLUMNS["email"],
    "external_id": CONTACT_COLUMNS["external_id"],
    "visitor_key": (
        "visitor key, visitor, visitor id, cookie, cookie id, client key, anonymous id, visitante, visiteur, besucher"
    ),
    "contact_id": "muster id, muster contact id",
    "occurred_at": (
        "occurred at, date, time, datetime, timestamp, when, date time, created, created at, order date, purchase"
        " date, event date, event time, ordered at, purchased at, fecha, hora, fecha y hora, fecha de compra, "
        "fecha del pedido, date de commande, date d achat, heure, datum, zeitpunkt, zeit, bestelldatum, "
        "kaufdatum, data, data e hora, data da compra, data do pedido, data e ora, ora, data ordine, data "
        "acquisto"
    ),
    "type": (
        "type, event, event type, event name, action, tipo, evento, tipo de evento, événement, type d événement, "
        "ereignis, ereignistyp, typ, tipo di evento"
    ),
    "value": (
        "value, amount, total, price, revenue, order total, order value, sum, valor, importe, total pedido, "
        "precio, montant, valeur, prix, betrag, wert, summe, preis, umsatz, preço, montante, valore, importo, "
        "prezzo, totale"
    ),
    "key": (
        "key, idempotency key, event id, event key, order, order id, order number, order no, transaction, "
        "transaction id, invoice, invoice number, id evento, pedido, número de pedido, id pedido, clave, "
        "commande, numéro de commande, id commande, bestellung, bestellnummer, auftragsnummer, rechnungsnummer, "
        "número do pedido, encomenda, ordine, numero ordine, id ordine"
    ),
}

YES = "yes, y, true, 1, on, x, ✓, sí, si, s, oui, o, vrai, ja, j, wahr, sim, verdadero, verdadeiro, vero"
NO = "no, n, false, 0, off, non, faux, nein, falsch, não, nao, falso"
GENDERS = {
    "female": (
        "f, w, woman, mujer, femenino, femme, féminin, frau, weiblich, mulher, feminino, donna, femmina, femminile"
    ),
    "male": "m, h, man, hombre, masculino, homme, masculin, mann, männlich, homem, uomo, maschio, maschile",
    "other": "x, d, diverse, divers, otro, autre, outro, altro, non binary, nonbinary",
}
NEWSLETTER = {
    "subscribed": f"{YES}, active, opt in, opted in, confirmed, suscrito, abonné, abonniert, inscrito, iscritto",
    "unsubscribed": f"{NO}, opt out, opted out, baja, désabonné, désinscrit, abgemeldet, cancelado, disiscritto",
    "pending": "unconfirmed, pendiente, en attente, ausstehend, pendente, in attesa",
}


def words(text: str) -> list[str]:
    """The words of one of the lists above."""
    return [word.strip() for word in text.split(",")]


def words_for(field: Field) -> dict[str, str]:
    """What people may write into a field of choices, and the values that they mean by it."""
    if field.type.key == "boolean":
        return _inverted({"true": YES, "false": NO})
    if field.is_custom:
        return {}
    tables = {"gender": GENDERS, "newsletter": NEWSLETTER}
    if field.key in tables:
        return _inverted(tables[field.key])
    named = {"country": _country_words, "language": _language_words}
    return named[field.key]() if field.key in named else {}


def _inverted(table: dict[str, str]) -> dict[str, str]:
    return {word: value for value, text in table.items() for word in words(text)}


@lru_cache
def _country_words() -> dict[str, str]:
    """Names in all the languages, and the codes of three letters. Where two would be the same, the first one holds."""
    return _first_of([*places.country_names(LANGUAGES), *places.country_codes_of_three_letters()])


@lru_cache
def _language_words() -> dict[str, str]:
    """Names in all the languages."""
    return _first_of(places.language_names(LANGUAGES))


def _first_of(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """The codes by their names, from pairs of code and name."""
    found: dict[str, str] = {}
    for code, name in pairs:
        found.setdefault(name, code)
    return found

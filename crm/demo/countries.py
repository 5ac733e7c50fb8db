"""Names and places that the people of the demo shop have. Phone numbers are from ranges that belong to nobody."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Country:
    """``share`` is the weight of the country among the customers. Places are city, region and the pattern of a postal
    code, in which # is a digit; ``phone`` is a pattern too, "" where no range of numbers is kept for fiction.
    """

    code: str
    share: int
    language: str
    time_zone: str
    places: tuple[tuple[str, str, str], ...]
    women: tuple[str, ...]
    men: tuple[str, ...]
    surnames: tuple[str, ...]
    phone: str = ""


COUNTRIES = (
    Country(
        *("ES", 24, "es", "Europe/Madrid"),
        (
            ("Valencia", "Comunitat Valenciana", "460##"),
            ("Madrid", "Madrid", "280##"),
            ("Sevilla", "Andalucía", "410##"),
        ),
        ("Lucía", "María", "Carmen", "Inés", "Nuria", "Begoña", "Rocío", "Marta"),
        ("Álvaro", "Íñigo", "José", "Pablo", "Andrés", "Martín", "Óscar", "Jordi"),
        ("García", "Martínez", "Núñez", "Ibáñez", "Peña", "Serrano", "Vázquez", "Molina", "Ortega", "Zubiri"),
    ),
    Country(
        *("FR", 14, "fr", "Europe/Paris"),
        (("Lyon", "Auvergne-Rhône-Alpes", "6900#"), ("Paris", "Île-de-France", "750##"), ("Nantes", "", "44###")),
        ("Chloé", "Zoé", "Éléonore", "Camille", "Inès", "Margaux", "Aurélie", "Noémie"),
        ("Étienne", "Théo", "François", "Loïc", "Jérôme", "Gaël", "Hugo", "Rémi"),
        ("Lefèvre", "Dubois", "Moreau", "Gauthier", "Lemaître", "Béranger", "D’Aubigné", "Roux", "Chevallier", "Noël"),
        "+33639980###",
    ),
    Country(
        *("DE", 14, "de", "Europe/Berlin"),
        (("Köln", "Nordrhein-Westfalen", "50###"), ("Berlin", "", "10###"), ("München", "Bayern", "80###")),
        ("Hannah", "Käthe", "Leonie", "Anneliese", "Frauke", "Mia", "Svenja", "Jördis"),
        ("Jürgen", "Jörg", "Matthias", "Björn", "Lukas", "Götz", "Thorsten", "Max"),
        ("Müller", "Schäfer", "Groß", "König", "Weiß", "Krüger", "von der Heide", "Böhm", "Vogel", "Strauß"),
        "+4917139200##",
    ),
    Country(
        *("IT", 10, "it", "Europe/Rome"),
        (("Torino", "Piemonte", "101##"), ("Roma", "Lazio", "001##"), ("Forlì", "Emilia-Romagna", "47121")),
        ("Giulia", "Chiara", "Sofia", "Elisabetta", "Ludovica", "Francesca"),
        ("Nicolò", "Matteo", "Giosuè", "Lorenzo", "Alessandro", "Davide"),
        ("Rossi", "De Luca", "D’Angelo", "Ferrari", "Lo Presti", "Barbieri", "Conti", "Greco"),
    ),
    Country(
        *("GB", 9, "en", "Europe/London"),
        (("Leeds", "West Yorkshire", "LS# #AA"), ("Bristol", "", "BS# #BB"), ("Glasgow", "Scotland", "G# #QQ")),
        ("Siobhán", "Olivia", "Imogen", "Priya", "Catrin", "Charlotte"),
        ("Oliver", "Rhys", "Callum", "Arjun", "Harry", "Duncan"),
        ("Smith", "O’Connor", "Patel", "MacLeod", "Hughes-Jones", "Taylor", "Okonkwo", "Fletcher"),
        "+447700900###",
    ),
    Country(
        *("US", 7, "en", "America/New_York"),
        (("Boston", "Massachusetts", "021##"), ("Austin", "Texas", "787##"), ("Portland", "Oregon", "972##")),
        ("Emily", "Aaliyah", "Madison", "Guadalupe", "Grace", "Zoey"),
        ("Mason", "DeShawn", "Tyler", "Ethan", "Diego", "Noah"),
        ("Johnson", "Williams", "Nguyen", "Hernández", "Washington", "Kowalski", "Kim", "Brooks"),
        "+120255501##",
    ),
    Country(
        *("PL", 5, "pl", "Europe/Warsaw"),
        (("Łódź", "łódzkie", "90-###"), ("Kraków", "małopolskie", "30-###")),
        ("Małgorzata", "Zofia", "Agnieszka", "Łucja", "Ewa"),
        ("Łukasz", "Michał", "Stanisław", "Paweł", "Zbigniew"),
        ("Nowak", "Wiśniewski", "Wójcik", "Dąbrowski", "Żak", "Gołąb", "Śliwa"),
    ),
    Country(
        *("PT", 4, "pt", "Europe/Lisbon"),
        (("Lisboa", "", "1000-###"), ("Évora", "Alentejo", "7000-###")),
        ("Inês", "Conceição", "Mafalda", "Beatriz", "Íris"),
        ("João", "Simão", "Duarte", "Gonçalo", "Rúben"),
        ("Gonçalves", "Araújo", "Simões", "Magalhães", "Brandão", "Assunção"),
    ),
    Country(
        *("SE", 3, "sv", "Europe/Stockholm"),
        (("Göteborg", "", "411 ##"), ("Umeå", "Västerbotten", "903 ##")),
        ("Åsa", "Märta", "Linnéa", "Ebba", "Saga"),
        ("Björn", "Åke", "Göran", "Elias", "Nils"),
        ("Lindqvist", "Åkesson", "Öberg", "Sjöström", "Håkansson", "Nyström"),
        "+4670174061#",
    ),
    Country(
        *("GR", 2, "el", "Europe/Athens"),
        (("Θεσσαλονίκη", "", "546 ##"), ("Αθήνα", "", "105 ##")),
        ("Ελένη", "Μαρία", "Δέσποινα", "Σοφία"),
        ("Γιώργος", "Νίκος", "Οδυσσέας", "Κώστας"),
        ("Παπαδόπουλος", "Αγγελόπουλος", "Καραγιάννης", "Λάσκαρης"),
    ),
    Country(
        *("TR", 2, "tr", "Europe/Istanbul"),
        (("İstanbul", "", "34###"), ("İzmir", "", "35###")),
        ("Ayşe", "Gülşen", "Işıl", "Elif"),
        ("Oğuz", "İbrahim", "Çağlar", "Mehmet"),
        ("Yılmaz", "Şahin", "Öztürk", "Çelik", "Doğan"),
    ),
    Country(
        *("JP", 2, "ja", "Asia/Tokyo"),
        (("大阪市", "大阪府", "530-00##"), ("札幌市", "北海道", "060-00##")),
        ("陽子", "さくら", "美咲", "結衣"),
        ("健太", "翔", "大輔", "拓海"),
        ("佐藤", "鈴木", "高橋", "田中", "渡辺"),
    ),
    Country(
        *("UA", 2, "uk", "Europe/Kyiv"),
        (("Львів", "Львівська область", "790##"), ("Київ", "", "010##")),
        ("Олена", "Соломія", "Ганна", "Юлія"),
        ("Тарас", "Сергій", "Євген", "Андрій"),
        ("Шевченко", "Коваленко", "Гнатюк", "Мельник"),
    ),
    Country(
        *("BR", 2, "pt", "America/Sao_Paulo"),
        (("São Paulo", "SP", "01###-000"), ("Florianópolis", "SC", "88###-000")),
        ("Luíza", "Jéssica", "Antônia", "Thaís"),
        ("Antônio", "Luís", "Otávio", "Caio"),
        ("da Silva", "Conceição", "Guimarães", "dos Anjos", "Falcão"),
    ),
)

"""Places that hold other places."""

from __future__ import annotations

#: Lives in Rome and lives in Italy: each answers its own question.
COUNTRIES = frozenset(
    """afghanistan|albania|algeria|argentina|armenia|australia|austria|azerbaijan|bangladesh|belarus|belgium|bolivia|brazil
    |bulgaria|cambodia|cameroon|canada|chile|china|colombia|costa rica|croatia|cuba|cyprus|czechia|czech republic|denmark
    |ecuador|egypt|estonia|ethiopia|finland|france|georgia|germany|ghana|greece|guatemala|hungary|iceland|india|indonesia
    |iran|iraq|ireland|israel|italy|jamaica|japan|jordan|kazakhstan|kenya|kuwait|latvia|lebanon|lithuania|luxembourg
    |malaysia|malta|mexico|mongolia|morocco|nepal|netherlands|new zealand|nigeria|north korea|norway|pakistan|panama
    |paraguay|peru|philippines|poland|portugal|qatar|romania|russia|rwanda|saudi arabia|senegal|serbia|singapore|slovakia
    |slovenia|somalia|south africa|south korea|korea|spain|sri lanka|sudan|sweden|switzerland|syria|taiwan|tanzania
    |thailand|tunisia|turkey|uganda|ukraine|united arab emirates|uae|united kingdom|uk|u k|great britain|britain
    |united states|united states of america|us|u s|usa|u s a|america|uruguay|uzbekistan|venezuela|vietnam|yemen|zambia
    |zimbabwe|north america|south america|europe|asia|africa""".replace("\n    ", "").split("|")
) - {"singapore"}
REGIONS = frozenset(
    """england|scotland|wales|northern ireland|bavaria|catalonia|tuscany|ontario|quebec|british columbia|alberta|victoria
    |new south wales|queensland|alabama|alaska|arizona|arkansas|california|colorado|connecticut|delaware|florida|hawaii
    |idaho|illinois|indiana|iowa|kansas|kentucky|louisiana|maine|maryland|massachusetts|michigan|minnesota|mississippi
    |missouri|montana|nebraska|nevada|new hampshire|new jersey|new mexico|north carolina|north dakota|ohio|oklahoma|oregon
    |pennsylvania|rhode island|south carolina|south dakota|tennessee|texas|utah|vermont|virginia|west virginia|wisconsin
    |wyoming""".replace("\n    ", "").split("|")
)
LANGUAGES = frozenset(
    """arabic bengali chinese czech danish dutch english finnish french german greek hebrew hindi hungarian italian japanese
    korean latin norwegian polish portuguese russian spanish swedish turkish ukrainian urdu vietnamese""".split()
)

import datetime as _dt
import decimal as _decimal
import importlib as _importlib
import uuid as _uuid

from django.apps import apps as _apps
from django.contrib.auth import get_user_model as _get_user_model
from django.db import models as _models, transaction as _transaction
from django.utils import timezone as _timezone


def _value(field, n):
    """A value for a field; different ones for different `n`."""
    if field.choices:
        flat = [c for c in field.flatchoices]
        return flat[n % len(flat)][0]
    if isinstance(field, _models.UUIDField):
        return _uuid.UUID(int=n + 1)
    if isinstance(field, _models.EmailField):
        return "row%d@example.com" % n
    if isinstance(field, _models.URLField):
        return "https://example.com/%d" % n
    if isinstance(field, _models.SlugField):
        return ("row-%d" % n)[: field.max_length or 50]
    if isinstance(field, _models.GenericIPAddressField):
        return "127.0.%d.%d" % (n // 250, n % 250 + 1)
    if isinstance(field, _models.FileField):
        return "row%d.txt" % n
    if isinstance(field, (_models.CharField, _models.TextField)):
        text = "%s %d" % (field.name, n)
        return text[-field.max_length :] if field.max_length else text
    if isinstance(field, _models.BooleanField):
        return n % 2 == 0
    if isinstance(field, _models.DecimalField):
        most = 10 ** max(field.max_digits - field.decimal_places, 0)
        return _decimal.Decimal(n % most)
    if isinstance(field, _models.FloatField):
        return float(n)
    if isinstance(field, _models.IntegerField):
        return n % 100 + 1
    if isinstance(field, _models.DateTimeField):
        now = _timezone.now() if _timezone.is_aware(_timezone.now()) else _dt.datetime.now()
        return now - _dt.timedelta(hours=n)
    if isinstance(field, _models.DateField):
        return _dt.date.today() - _dt.timedelta(days=n)
    if isinstance(field, _models.TimeField):
        return _dt.time(n % 24)
    if isinstance(field, _models.DurationField):
        return _dt.timedelta(minutes=n + 1)
    if isinstance(field, _models.JSONField):
        return {}
    if isinstance(field, _models.BinaryField):
        return b"row"
    return None


def _row(model, n, user, parents=()):
    """Saves one row, with the rows that it needs."""
    values = {}
    for field in model._meta.concrete_fields:
        if field.primary_key and isinstance(field, _models.AutoField):
            continue
        if field.remote_field:
            target = field.remote_field.model
            if target is type(user) and not field.unique:
                values[field.name] = user
            elif (field.null or field.has_default()) and not field.primary_key:
                continue
            elif target in parents:
                raise ValueError("%s needs itself" % field)
            elif field.unique:
                values[field.name] = _row(target, 1000 + n, user, parents + (model,))
            else:
                found = target._base_manager.order_by("pk").first()
                values[field.name] = found or _row(target, n, user, parents + (model,))
            continue
        is_dated = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
        is_random_key = field.primary_key and isinstance(field, _models.UUIDField)
        if is_dated or (field.has_default() and not field.unique and not is_random_key):
            continue
        if field.null and not field.unique and field.blank and not field.choices:
            continue
        value = _value(field, n)
        if value is not None:
            values[field.name] = value
    row = model(**values)
    row.save()
    return row


def rows(label, number, user):
    """Saves some rows of a model, such as "shop.Order"."""
    model = _apps.get_model(label)
    with _transaction.atomic():
        for n in range(number):
            _row(model, n, user)


def user_named(name, password):
    """The user that logs in; a superuser, so that no permission is missing."""
    model = _get_user_model()
    field = model._meta.get_field(model.USERNAME_FIELD)
    is_email = isinstance(field, _models.EmailField) or field.name == "email"
    login = name + "@example.com" if is_email else name
    found = model._base_manager.filter(**{model.USERNAME_FIELD: login}).first()
    if found:
        return found
    user = model(**{model.USERNAME_FIELD: login})
    names = {f.name for f in model._meta.concrete_fields}
    if "email" in names and not is_email:
        user.email = name + "@example.com"
    for required in model.REQUIRED_FIELDS:
        field = model._meta.get_field(required)
        if not field.remote_field and not getattr(user, required, None):
            setattr(user, required, _value(field, 1))
    for flag in ("is_active", "is_staff", "is_superuser"):
        if flag in names:
            setattr(user, flag, True)
    user.set_password(password)
    user.save()
    return user


def factories(module):
    """The names of the factories in a module of factory_boy, for models of the database."""
    found = []
    for name, value in vars(_importlib.import_module(module)).items():
        meta = getattr(value, "_meta", None)
        model = getattr(meta, "model", None)
        is_own = getattr(value, "__module__", None) == module and hasattr(value, "create_batch")
        if is_own and not getattr(meta, "abstract", False) and hasattr(model, "_base_manager"):
            found.append(name)
    return found


def factory_rows(module, name, number):
    """Saves some rows with a factory of the project, the same ones every time."""
    from factory.random import reseed_random

    reseed_random("portcullis")
    with _transaction.atomic():
        getattr(_importlib.import_module(module), name).create_batch(number)


def token_of(user, key):
    """A token of Django REST framework with a key that is known before."""
    from rest_framework.authtoken.models import Token

    Token.objects.filter(user=user).delete()
    return Token.objects.create(user=user, key=key)


def api_key(key):
    """A key of djangorestframework-api-key that is known before: "portcull." and this."""
    from rest_framework_api_key.models import APIKey

    hashed = APIKey.objects.key_generator.hash("portcull." + key)
    return APIKey.objects.create(
        id="portcull." + hashed, prefix="portcull", hashed_key=hashed, name="portcullis"
    )


def oauth_client(client_id, user):
    """A public client of django-oauth-toolkit that exchanges a password for a token."""
    from oauth2_provider.models import get_application_model

    return get_application_model().objects.create(
        client_id=client_id,
        name=client_id,
        user=user,
        client_type="public",
        authorization_grant_type="password",
    )

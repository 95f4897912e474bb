# What the stand-in of release v2.81.0 does to the database of v2.80.0: the column gets another name.

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("engine", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="task",
            name="bug_tracker",
            field=models.CharField(blank=True, db_column="issue_tracker", max_length=2000),
        ),
    ]

{% if not setup %}
PATH={{ bin | quote }}:"$PATH"
{% endif %}
{% for line in setup %}
{{ line }}
{% endfor %}
{% for variable, value in env.items() %}
export {{ variable }}={{ value | quote }}
{% endfor %}

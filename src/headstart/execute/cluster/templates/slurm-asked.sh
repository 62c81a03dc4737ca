{% if gpus %}
#SBATCH --gres=gpu:{{ gpus }}
{% endif %}
{% if memory %}
#SBATCH --mem={{ memory }}
{% endif %}
#SBATCH --time={{ time }}
{% if partition %}
#SBATCH --partition={{ partition }}
{% endif %}
{% if account %}
#SBATCH --account={{ account }}
{% endif %}
#SBATCH --requeue
#SBATCH --open-mode=append
{% for option in sbatch %}
#SBATCH {{ option | quote }}
{% endfor %}
